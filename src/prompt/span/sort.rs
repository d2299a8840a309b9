//! What sort of words a text parameter takes, by its name.

use crate::link::spoken;

/// What a text parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Something to be done.
    Task,
    /// What is to be said or written, to the letter.
    Said,
    /// A title: it may begin with a capital article.
    Title,
    /// Somebody.
    Person,
    /// A place.
    Place,
    /// A day or an hour.
    Time,
    /// Anything else.
    Thing,
}

const TASK: &str = "chore chores job jobs task tasks todo";
const SAID: &str = "announcement answer body call caption comment comments content damage describe description detail details \
    entry fault finding happened instruction instructions issue line memo message msg note notes notice observation post \
    problem question reason remark remarks reminder reply say says sentence speech summary symptom symptoms text wish word words";
const TITLE: &str =
    "album artist band book film movie playlist programme program show song story title track tune";
const PERSON: &str = "animal assistant attendee author borrower boy buyer caller cat child cleaner client contact cow customer dog \
    donor driver employee ewe family girl goat guest hirer horse kid keeper member name owner parent party passenger patient person \
    pet player puppy pupil reader recipient renter resident seller sender sister staff student teacher team tenant user visitor \
    volunteer walker who whom worker";
const TIME: &str = "arrival arrives arriving date day days deadline due evening hour morning night slot start starting starts time until \
    week weekday when";
const PLACE: &str = "address area destination from harbour location place port room site spot station stop street to town venue where";

impl Sort {
    /// The sort of a parameter's name.
    pub fn of(param: &str) -> Sort {
        let name = spoken(param).to_lowercase();
        let lists = [
            (Sort::Said, SAID),
            (Sort::Task, TASK),
            (Sort::Title, TITLE),
            (Sort::Person, PERSON),
            (Sort::Place, PLACE),
            (Sort::Time, TIME),
        ];
        let takes = |list: &str| {
            name.split_whitespace().any(|word| list.split_whitespace().any(|known| known == word))
        };
        if name == "at" {
            return Sort::Time;
        }
        lists.into_iter().find(|(_, list)| takes(list)).map_or(Sort::Thing, |(sort, _)| sort)
    }

    /// As it stands in the names of features.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Task => "task",
            Sort::Said => "said",
            Sort::Title => "title",
            Sort::Person => "person",
            Sort::Place => "place",
            Sort::Time => "time",
            Sort::Thing => "thing",
        }
    }
}
