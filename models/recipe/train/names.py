"""What a file of the packages shows or sounds like, read from its name."""
import re

# The first pattern found in the lower-case name decides; concepts as in ../concepts.toml.
PATTERNS = [(re.compile(pattern), concept) for pattern, concept in (
    (r"sea_?lion", "Sea lion"), (r"elephant", "Elephant"),
    (r"cattle|(^|[^a-z])cow|bull(?!e)|^ox|bison", "Cattle"), (r"sheep|lamb", "Sheep"),
    (r"goat|^ram", "Goat"), (r"horse|zebra|neigh|donkey", "Horse"), (r"(^|_)pig|boar|hog", "Pig"),
    (r"chicken|rooster|(^|_)hen|turkey", "Chicken or turkey"), (r"wolf|coyote|fox", "Wolf or fox"),
    (r"lion|tiger", "Lion or tiger"), (r"dog", "Dog"), (r"kitten|(^|[^a-z])cat|meow", "Cat"),
    (r"frog", "Frog"), (r"owl|vulture", "Owl or eagle"),
    (r"duck|drake|goose|gander|heron|seagull|penguin|flamingo", "Water bird"),
    (r"bird|lark|cuckoo|peacock|crow(?!d)", "Bird"), (r"bear$|bear\.", "Bear"),
    (r"chimp|gorilla", "Monkey"), (r"cricket|bee\.|mosquito|hornet|grasshopper", "Insect"),
    (r"whale|orca|dolphin", "Whale"), (r"mouse|squirrel|rabbit|ferret|beaver|badger", "Rodent or small mammal"),
    (r"camel|dromedary|deer|caribou|doe|stag|moose|giraffe", "Deer or camel"),
    (r"drum|timpani|bongo|conga|taiko|snare|beatmachine", "Drum"),
    (r"xylo|marimba|vibraphone|glocken", "Xylophone"), (r"gong", "Gong"),
    (r"maraca|shaker|tambourine|castanets", "Maraca"), (r"cello|contrabass", "Cello"),
    (r"violin|fiddle|viola", "Violin"), (r"harmonica", "Harmonica"), (r"harp(?!si)", "Harp"),
    (r"piano", "Piano"), (r"guitar", "Guitar"), (r"banjo|sitar", "Banjo"), (r"accordion", "Accordion"),
    (r"sax", "Saxophone"), (r"trumpet", "Trumpet"), (r"trombone", "Trombone"),
    (r"tuba|(^|_)horn\.|french", "Horn"), (r"flute|piccolo|recorder", "Flute"),
    (r"clarinet|oboe|bassoon", "Clarinet, oboe or bassoon"), (r"organ", "Organ"),
    (r"steel drum", "Steel drum"), (r"helicopter|plane|jet|hh6", "Aircraft"),
    (r"train|locomotive|metro", "Train"), (r"motorcycle", "Motorcycle"),
    (r"carpassing|nissan|carstart|claxon|(^|_)car[0-9_.]", "Car"), (r"bus[ 0-9_.]", "Bus"),
    (r"firetruck", "Emergency vehicle"), (r"chainsaw", "Chainsaw"), (r"saw|hammer|smith|stonec|mallet", "Tool"),
    (r"typing", "Keyboard or typewriter"), (r"sewing", "Sewing machine"), (r"vacuum", "Vacuum cleaner"),
    (r"toilet", "Toilet"), (r"camera", "Camera"), (r"belltoll", "Bell"), (r"door", "Door or drawer"),
    (r"campfire|fire\.", "Fire"), (r"river|wave|water", "Water"),
    (r"speech|sneeze|cough|laugh|scream|babycry|vocal|sing|footstep|human|clap|party|beatbox|audience|sigh", "Person"),
)]


def concept(path):
    """The concept's name, or None if the file's name tells none."""
    if path.parent.name in ("People", "Human", "Vocals"):
        return "Person"
    name = path.name.lower()
    return next((concept for pattern, concept in PATTERNS if pattern.search(name)), None)
