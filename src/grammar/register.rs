//! What a run counts: rules that are repetitions, and rules that take parts in any order.

use super::automaton::{NEVER, add, times};
use super::fx::sort;

/// A rule that is `body` at least `min` and at most `max` times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) body: u32,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

/// A part that a [`Choose`] may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The rule where nothing was taken before, and where something was (it begins with a separator).
    pub(super) first: u32,
    pub(super) next: u32,
    /// At most once.
    pub(super) once: bool,
    /// At least once.
    pub(super) required: bool,
}

/// A rule that takes its parts in any order. At least `min` different ones, at most `max` in all.
#[derive(Clone, Debug)]
pub(super) struct Choose {
    pub(super) parts: Box<[Part]>,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

/// What a [`Choose`] took so far: a bit for each part taken, and how often parts were taken again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Taken {
    bits: Box<[u64]>,
    again: u32,
}

impl Taken {
    fn has(&self, part: usize) -> bool {
        self.bits.get(part / 64).is_some_and(|word| word >> (part % 64) & 1 == 1)
    }

    pub(super) fn different(&self) -> u32 {
        self.bits.iter().map(|word| word.count_ones()).sum()
    }

    pub(super) fn memory(&self) -> usize {
        self.bits.len() * 8 + 64
    }
}

impl Choose {
    /// What is taken after a part more; `None` where it cannot be taken.
    pub(super) fn take(&self, taken: &Taken, part: usize) -> Option<Taken> {
        let mut next = taken.clone();
        if taken.has(part) {
            if self.parts[part].once {
                return None;
            }
            // Without an upper bound the number does not matter.
            next.again += u32::from(self.max.is_some());
        } else {
            let mut bits = next.bits.into_vec();
            bits.resize(bits.len().max(part / 64 + 1), 0);
            bits[part / 64] |= 1 << (part % 64);
            next.bits = bits.into();
        }
        self.max.is_none_or(|max| next.different() + next.again <= max).then_some(next)
    }

    /// Fewest steps to the end, given those of the rules; [`NEVER`] where the bounds leave no way.
    pub(super) fn cost(&self, taken: &Taken, of_rule: impl Fn(u32) -> u32) -> u32 {
        let (mut cost, mut missing, mut saved) = (0, 0, 0);
        for (i, part) in self.parts.iter().enumerate().filter(|(i, part)| part.required && !taken.has(*i)) {
            let next = of_rule(part.next);
            if next == NEVER {
                return NEVER;
            }
            debug_assert!(!taken.has(i));
            cost = add(cost, next);
            missing += 1;
            saved = saved.max(next.saturating_sub(of_rule(part.first)));
        }
        let different = taken.different();
        let needed = self.min.saturating_sub(different + missing) as usize;
        if self.max.is_some_and(|max| different + taken.again + missing + needed as u32 > max) {
            return NEVER;
        }
        if needed > 0 {
            let mut others: Vec<(u32, u32)> = (0..self.parts.len())
                .filter(|&i| !self.parts[i].required && !taken.has(i))
                .map(|i| (of_rule(self.parts[i].next), of_rule(self.parts[i].first)))
                .filter(|(next, _)| *next != NEVER)
                .collect();
            if others.len() < needed {
                return NEVER;
            }
            sort(&mut others);
            for (next, first) in &others[..needed] {
                cost = add(cost, *next);
                saved = saved.max(next.saturating_sub(*first));
            }
        }
        if different == 0 { cost - saved.min(cost) } else { cost }
    }
}

/// What a run keeps for a rule besides its state.
#[derive(Clone, Debug)]
pub(super) enum Register {
    Count(Counted),
    Choose(Choose),
}

impl Register {
    pub(super) fn memory(&self) -> usize {
        size_of::<Register>()
            + match self {
                Register::Count(_) => 0,
                Register::Choose(choose) => choose.parts.len() * size_of::<Part>(),
            }
    }

    /// The rules that it calls.
    pub(super) fn bodies(&self) -> Vec<u32> {
        match self {
            Register::Count(counted) => vec![counted.body],
            Register::Choose(choose) => {
                choose.parts.iter().flat_map(|part| [part.first, part.next]).collect()
            }
        }
    }

    /// Whether it may end before anything is taken.
    pub(super) fn may_be_empty(&self) -> bool {
        match self {
            Register::Count(counted) => counted.min == 0,
            Register::Choose(choose) => choose.min == 0 && !choose.parts.iter().any(|part| part.required),
        }
    }

    /// Fewest steps when nothing is taken yet.
    pub(super) fn cost(&self, of_rule: impl Fn(u32) -> u32) -> u32 {
        match self {
            Register::Count(Counted { min: 0, .. }) => 0,
            Register::Count(counted) => match of_rule(counted.body) {
                NEVER => NEVER,
                body => times(body, counted.min),
            },
            Register::Choose(choose) => choose.cost(&Taken::default(), of_rule),
        }
    }
}
