//! Many short texts in one piece of memory.

/// Byte strings, by number.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        let from = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.bytes[from..self.ends[at] as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// Their numbers in the order of the texts, those of equal texts in order (a merge sort).
    pub(super) fn order(&self) -> Vec<u32> {
        let mut from: Vec<u32> = (0..self.len() as u32).collect();
        let mut to = from.clone();
        let mut width = 1;
        while width < from.len() {
            for (from, to) in from.chunks(2 * width).zip(to.chunks_mut(2 * width)) {
                let (mut a, mut b) = from.split_at(width.min(from.len()));
                for place in to {
                    let second = match (a.first(), b.first()) {
                        (Some(a), Some(b)) => self.get(*b as usize) < self.get(*a as usize),
                        (a, _) => a.is_none(),
                    };
                    let list = if second { &mut b } else { &mut a };
                    *place = list[0];
                    *list = &list[1..];
                }
            }
            std::mem::swap(&mut from, &mut to);
            width *= 2;
        }
        from
    }

    /// The same texts in order, each once.
    pub(super) fn sorted(self) -> Texts {
        if (1..self.len()).all(|at| self.get(at - 1) < self.get(at)) {
            return self;
        }
        let mut sorted = Texts::default();
        sorted.bytes.reserve_exact(self.bytes.len());
        for (i, at) in self.order().into_iter().enumerate() {
            let text = self.get(at as usize);
            if i == 0 || sorted.get(sorted.len() - 1) != text {
                sorted.push(text);
            }
        }
        sorted
    }

    /// All of them, one behind the other, and where each ends.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<u32>) {
        (self.bytes, self.ends)
    }
}

/// Names by number. Of each only what differs from the one before is kept: names are mostly places in one
/// document, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    text: String,
    /// Where the part that is kept ends, and how many bytes before it are those of the name before.
    ends: Vec<u32>,
    shared: Vec<u8>,
    last: String,
}

impl Names {
    /// One of so many is kept whole.
    const EVERY: usize = 16;

    pub(super) fn push(&mut self, name: &str) {
        let mut shared = 0;
        if !self.ends.len().is_multiple_of(Names::EVERY) {
            let alike = name.bytes().zip(self.last.bytes()).take(u8::MAX as usize);
            shared = alike.take_while(|(a, b)| a == b).count();
            while !name.is_char_boundary(shared) {
                shared -= 1;
            }
        }
        self.text.push_str(&name[shared..]);
        self.ends.push(self.text.len() as u32);
        self.shared.push(shared as u8);
        name.clone_into(&mut self.last);
    }

    pub(super) fn get(&self, at: u32) -> String {
        let at = at as usize;
        let mut name = String::new();
        for i in at - at % Names::EVERY..=at {
            let from = if i == 0 { 0 } else { self.ends[i - 1] as usize };
            name.truncate(usize::from(self.shared[i]));
            name.push_str(&self.text[from..self.ends[i] as usize]);
        }
        name
    }

    /// Gives back the room for more of them.
    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.shared.shrink_to_fit();
        self.last = String::new();
    }

    /// Bytes that they take.
    pub(super) fn memory(&self) -> usize {
        self.text.len() + self.ends.len() * 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_sorted_and_kept_once() {
        let mut seed = 1u32;
        for count in 0..40 {
            let mut texts = Texts::default();
            let mut all: Vec<Vec<u8>> = Vec::new();
            for _ in 0..count {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let text = format!("{:b}", seed >> 28).into_bytes();
                texts.push(&text);
                all.push(text);
            }
            all.sort();
            all.dedup();
            assert_eq!(texts.sorted().iter().collect::<Vec<_>>(), all);
        }
    }

    #[test]
    fn names_are_what_they_were() {
        let long = "x".repeat(300);
        let mut all =
            vec![String::new(), "#/a".to_owned(), "#/a/b".to_owned(), "#/a".to_owned(), String::new()];
        all.extend(["\u{e9}", "\u{e8}", "\u{e8}\u{e9}"].map(str::to_owned));
        all.extend([long.clone(), format!("{long}y"), format!("{long}z")]);
        all.extend((0..200).map(|n| format!("#/properties/{n:b}")));
        let mut names = Names::default();
        for (at, name) in all.iter().enumerate() {
            if at % 50 == 49 {
                names.shrink();
            }
            names.push(name);
        }
        assert!((0..).zip(&all).all(|(at, name)| names.get(at) == *name));
        assert!(names.memory() < all.iter().map(|name| name.len() + 4).sum());
    }
}
