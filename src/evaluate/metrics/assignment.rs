//! Which of several answers belongs to which of several questions.

/// The pairs of row and column that together are worth most, each row and column once (Kuhn's
/// Hungarian method, in the form with potentials of Jonker and Volgenant). `worth` has one row for
/// each question; all have one length. The result has the column of each row, `None` where there
/// are more rows than columns.
pub fn hungarian(worth: &[Vec<f64>]) -> Vec<Option<usize>> {
    let (rows, columns) = (worth.len(), worth.iter().map(Vec::len).min().unwrap_or(0));
    let side = rows.max(columns);
    // Square, with worthless places to fill up; costs are what is minimised. Row and column 0 are
    // the method's own.
    let cost = |row: usize, column: usize| {
        -worth.get(row - 1).and_then(|line| line.get(column - 1)).copied().unwrap_or(0.0)
    };
    let mut row_potential = vec![0.0; side + 1];
    let mut column_potential = vec![0.0; side + 1];
    let mut owner = vec![0usize; side + 1];
    for row in 1..=side {
        owner[0] = row;
        let (mut least, mut way) = (vec![f64::INFINITY; side + 1], vec![0usize; side + 1]);
        let mut used = vec![false; side + 1];
        let mut column = 0;
        while owner[column] != 0 {
            used[column] = true;
            let (from, mut delta, mut next) = (owner[column], f64::INFINITY, 0);
            for j in (1..=side).filter(|j| !used[*j]) {
                let reduced = cost(from, j) - row_potential[from] - column_potential[j];
                if reduced < least[j] {
                    (least[j], way[j]) = (reduced, column);
                }
                if least[j] < delta {
                    (delta, next) = (least[j], j);
                }
            }
            for j in 0..=side {
                if used[j] {
                    row_potential[owner[j]] += delta;
                    column_potential[j] -= delta;
                } else {
                    least[j] -= delta;
                }
            }
            if next == 0 {
                // Only where a worth is no number: the row stays without a partner.
                break;
            }
            column = next;
        }
        while column != 0 {
            let before = way[column];
            owner[column] = owner[before];
            column = before;
        }
    }
    let mut result = vec![None; rows];
    for (column, row) in owner.iter().skip(1).take(columns).enumerate() {
        if let Some(slot) = row.checked_sub(1).and_then(|row| result.get_mut(row)) {
            *slot = Some(column);
        }
    }
    result
}

/// The pairs of row and column that a greedy reader takes: the best of all first, then the best of
/// what is left.
pub fn greedy(worth: &[Vec<f64>]) -> Vec<Option<usize>> {
    let mut result = vec![None; worth.len()];
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (row, line) in worth.iter().enumerate() {
        pairs.extend(line.iter().enumerate().map(|(column, value)| (*value, row, column)));
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken = Vec::new();
    for (_, row, column) in pairs {
        if result[row].is_none() && !taken.contains(&column) {
            result[row] = Some(column);
            taken.push(column);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The best total over every way to give rows columns of their own.
    fn best(worth: &[Vec<f64>], row: usize, used: &mut Vec<usize>) -> f64 {
        let Some(line) = worth.get(row) else { return 0.0 };
        let mut top = best(worth, row + 1, used);
        for (column, value) in line.iter().enumerate() {
            if !used.contains(&column) {
                used.push(column);
                top = top.max(value + best(worth, row + 1, used));
                used.pop();
            }
        }
        top
    }

    proptest! {
        #[test]
        fn nothing_is_worth_more_than_what_the_method_finds(
            rows in 0usize..5,
            columns in 0usize..5,
            values in prop::collection::vec((0u8..10).prop_map(f64::from), 25),
        ) {
            let worth: Vec<Vec<f64>> =
                (0..rows).map(|r| values[r * 5..r * 5 + columns].to_vec()).collect();
            let found = hungarian(&worth);
            let mut seen: Vec<usize> = found.iter().flatten().copied().collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), rows.min(columns));
            let total: f64 =
                found.iter().enumerate().filter_map(|(r, c)| Some(worth[r][(*c)?])).sum();
            prop_assert_eq!(total, best(&worth, 0, &mut Vec::new()));
        }
    }

    #[test]
    fn greed_takes_the_best_first_and_may_lose_by_it() {
        let worth = vec![vec![0.9, 0.8], vec![0.8, 0.1]];
        assert_eq!(greedy(&worth), [Some(0), Some(1)]);
        assert_eq!(hungarian(&worth), [Some(1), Some(0)]);
        assert_eq!(greedy(&[vec![], vec![]]), [None, None]);
    }
}
