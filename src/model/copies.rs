//! Copies of the weights in a form that decodes faster, made while decoding goes on.
//!
//! A copy costs about as much as decoding a few tokens and as much memory as the model, so it is made for those who decode
//! more than a handful, a few blocks with every token, and only where there is room. Results are the same bits with and without.

use std::ops::Range;
use std::path::Path;

use memmap2::MmapMut;

use super::{Layer, Model, Weights};
use crate::kernels::{Cpu, Matrix, Pool, weave, woven_bytes};

/// Tokens decoded from the file's form before the first copy is made.
const AFTER: usize = 8;
/// Tokens over which all copies are made.
const OVER: usize = 8;

/// The copies of a session.
#[derive(Debug, Default)]
pub(super) struct Copies {
    room: Option<MmapMut>,
    /// Where in the room each block's matrices go, in the order of [`matrices`]; empty for those that stay as they are.
    blocks: Vec<[Range<usize>; 7]>,
    head: Range<usize>,
    /// Blocks whose copies are made; one more than there are when the head's is, too.
    done: usize,
    tokens: usize,
}

impl Copies {
    /// Plans copies of at most `most` bytes (`None`: a quarter of the available memory), or none where they would take more.
    pub fn new(model: &Model, cpu: Cpu, most: Option<usize>) -> Self {
        let weights = model.weights();
        let mut end = 0usize;
        let mut place = |matrix: &Matrix<'_>| {
            let start = end;
            end += woven_bytes(cpu, matrix).unwrap_or(0).next_multiple_of(64);
            start..end
        };
        let blocks = (0..model.config().blocks)
            .map(|i| matrices(&mut weights.block(i)).map(|matrix| place(matrix)))
            .collect();
        let head = place(&weights.head());
        if end == 0 || end > most.unwrap_or_else(|| available() / 4) {
            return Self::default();
        }
        let Ok(room) = MmapMut::map_anon(end) else { return Self::default() };
        // Large pages spare the processor most of its look-ups of addresses; without them all works as well.
        #[cfg(target_os = "linux")]
        let _ = room.advise(memmap2::Advice::HugePage);
        Self { room: Some(room), blocks, head, done: 0, tokens: 0 }
    }

    /// Bytes of the copies made so far.
    pub fn bytes(&self) -> usize {
        let last = self.blocks[..self.done.min(self.blocks.len())].last().map_or(0, |places| places[6].end);
        if self.done > self.blocks.len() { self.head.end } else { last }
    }

    /// Says that a token is about to be decoded; makes some of the copies if it is their time.
    pub fn advance(&mut self, pool: &Pool, cpu: Cpu, weights: &Weights) {
        let Some(room) = &mut self.room else { return };
        self.tokens = (self.tokens + 1).min(AFTER + 1);
        if self.tokens <= AFTER || self.done > self.blocks.len() {
            return;
        }
        let mut copy = |matrix: &Matrix<'_>, place: &Range<usize>| {
            if let Some(bytes) = woven_bytes(cpu, matrix).filter(|_| !place.is_empty()) {
                weave(pool, cpu, matrix, &mut room[place.start..place.start + bytes]);
            }
        };
        for _ in 0..self.blocks.len().div_ceil(OVER) {
            match self.blocks.get(self.done) {
                Some(places) => {
                    let mut layer = weights.block(self.done);
                    matrices(&mut layer).iter().zip(places).for_each(|(matrix, place)| copy(matrix, place));
                }
                None => {
                    copy(&weights.head(), &self.head);
                    self.done += 1;
                    return;
                }
            }
            self.done += 1;
        }
    }

    /// A block's weights with the copies that there are.
    pub fn beside<'a>(&'a self, block: usize, mut layer: Layer<'a>) -> Layer<'a> {
        if let Some(room) = self.room.as_ref().filter(|_| block < self.done) {
            for (matrix, place) in matrices(&mut layer).into_iter().zip(&self.blocks[block]) {
                if !place.is_empty() {
                    *matrix = matrix.with_woven(&room[place.clone()]);
                }
            }
        }
        layer
    }

    /// The output head with its copy if there is one.
    pub fn beside_head<'a>(&'a self, head: Matrix<'a>) -> Matrix<'a> {
        match &self.room {
            Some(room) if self.done > self.blocks.len() && !self.head.is_empty() => {
                head.with_woven(&room[self.head.clone()])
            }
            _ => head,
        }
    }
}

/// A block's matrices, always in the same order.
fn matrices<'a, 'b>(layer: &'b mut Layer<'a>) -> [&'b mut Matrix<'a>; 7] {
    let Layer { q, k, v, out, gate, up, down, .. } = layer;
    [q, k, v, out, gate, up, down]
}

/// Bytes of memory that the system says it can give without swapping, or the limit of the control groups that this process is
/// in if that is less; 0 where the system does not say.
fn available() -> usize {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let text = read(Path::new("/proc/meminfo"));
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib =
        line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|n| n.trim().parse::<usize>().ok());
    let bytes = kib.map_or(0, |kib| kib.saturating_mul(1024));
    limits(&read(Path::new("/proc/self/cgroup")), Path::new("/sys/fs/cgroup"), &read).fold(bytes, usize::min)
}

/// The memory limits of a process's control groups and of those that they are in. `groups` is what `/proc/self/cgroup` says:
/// lines of number, controllers (none for version 2) and path.
fn limits<'a>(
    groups: &'a str,
    root: &'a Path,
    read: &'a impl Fn(&Path) -> String,
) -> impl Iterator<Item = usize> + 'a {
    let files = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let folder = Path::new(path.trim_start_matches('/'));
        match controllers {
            "" => Some((root.to_path_buf(), "memory.max", folder)),
            _ if controllers.split(',').any(|name| name == "memory") => {
                Some((root.join("memory"), "memory.limit_in_bytes", folder))
            }
            _ => None,
        }
    });
    // No limit reads as "max" in version 2, as a huge number in version 1.
    files.flat_map(move |(root, file, folder)| {
        folder.ancestors().filter_map(move |folder| read(&root.join(folder).join(file)).trim().parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_both_versions_and_of_groups_above_are_read() {
        let read = |path: &Path| {
            let text = match path.to_str().unwrap() {
                "/r/memory/a/b/memory.limit_in_bytes" => "4000000000\n",
                "/r/memory/a/memory.limit_in_bytes" => "700\n",
                "/r/x/memory.max" => "max\n",
                "/r/memory.max" => "900\n",
                _ => "",
            };
            text.to_owned()
        };
        let groups = "5:cpu,memory:/a/b\n4:cpuset:/a\n0::/x\nnonsense\n";
        let found: Vec<usize> = limits(groups, Path::new("/r"), &read).collect();
        assert_eq!(found, [4000000000, 700, 900]);
    }
}
