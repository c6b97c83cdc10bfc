//! Finding the picture of a sound, and the sound of a picture.

/// Where the best right answer stands among all answers to one query, 0 being the first: as many
/// wrong answers as score at least as high as the best right one, so that a tie is lost. `None` if
/// no answer is right.
pub fn rank(scores: &[f64], right: impl Fn(usize) -> bool) -> Option<usize> {
    let of = |wanted: bool| {
        let right = &right;
        scores.iter().enumerate().filter(move |(i, _)| right(*i) == wanted).map(|(_, score)| *score)
    };
    let best = of(true).reduce(f64::max)?;
    Some(of(false).filter(|score| *score >= best).count())
}

/// R@k: the share of queries with a right answer among the first `k`; `None` of nothing.
pub fn recall_at(ranks: &[usize], k: usize) -> Option<f64> {
    super::success::share(ranks.iter().map(|rank| *rank < k))
}

/// The median rank, the first being 1; `None` of nothing.
pub fn median_rank(ranks: &[usize]) -> Option<f64> {
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    let (low, high) =
        (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some((low + high) as f64 / 2.0 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_best_right_answer_counts_and_a_tie_with_a_wrong_one_is_lost() {
        let scores = [0.9, 0.5, 0.5, 0.1];
        assert_eq!(rank(&scores, |i| i == 0), Some(0));
        assert_eq!(rank(&scores, |i| i == 2), Some(2));
        assert_eq!(rank(&scores, |i| i >= 2), Some(2));
        assert_eq!(rank(&scores, |_| false), None);
        assert_eq!((recall_at(&[0, 4, 5], 5), recall_at(&[], 1)), (Some(2.0 / 3.0), None));
        assert_eq!((median_rank(&[0, 3, 1]), median_rank(&[0, 1])), (Some(2.0), Some(1.5)));
        assert_eq!(median_rank(&[]), None);
    }

    proptest! {
        #[test]
        fn the_rank_is_the_place_in_a_sorted_list_with_wrong_answers_before_equal_right_ones(
            scores in prop::collection::vec((0u8..6).prop_map(f64::from), 1..20),
            right in prop::collection::vec(any::<bool>(), 20),
        ) {
            let mut list: Vec<usize> = (0..scores.len()).collect();
            list.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(right[a].cmp(&right[b])));
            let wanted = list.iter().position(|&i| right[i]);
            prop_assert_eq!(rank(&scores, |i| right[i]), wanted);
        }
    }
}
