//! SVG without any other program. Each state's box lists its transitions by number; the arrows carry the numbers, so that
//! no text lies over another however the arrows cross.

use std::fmt::Write;

use super::Diagram;
use crate::agent::Kind;

/// Pixels of a character, about, and of a line of text.
const CHAR: f64 = 6.9;
const LINE: f64 = 17.0;
const PAD: f64 = 12.0;
/// Between boxes: arrows go there.
const GAP: f64 = 56.0;
/// States stand in a row up to this width.
const ROW: f64 = 1000.0;

/// Where a box lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Place {
    fn middle(&self) -> (f64, f64) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Where a line from the middle towards a point leaves the box.
    fn border(&self, towards: (f64, f64)) -> (f64, f64) {
        let (cx, cy) = self.middle();
        let (dx, dy) = (towards.0 - cx, towards.1 - cy);
        let scale = (self.w / 2.0 / dx.abs().max(1e-9)).min(self.h / 2.0 / dy.abs().max(1e-9)).min(1.0);
        (cx + dx * scale, cy + dy * scale)
    }

    /// Whether another box lies within this one.
    pub fn holds(&self, other: &Place) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.x + other.w <= self.x + self.w
            && other.y + other.h <= self.y + self.h
    }
}

impl Diagram {
    /// As SVG.
    pub fn svg(&self) -> String {
        let places = self.places();
        let width = places.iter().map(|place| place.x + place.w).fold(0.0, f64::max) + GAP;
        let height = places.iter().map(|place| place.y + place.h).fold(0.0, f64::max) + GAP;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<title>{}</title>\n\
             <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
             <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
            escaped(&self.title)
        );
        for &at in &self.outermost {
            self.draw(at, &places, &mut out);
        }
        self.begin(&self.initial, &places, &mut out);
        for node in &self.nodes {
            if node.kind == Kind::Compound {
                self.begin(&node.initial, &places, &mut out);
            }
        }
        for number in 0..self.arrows.len() {
            self.arrow(number, &places, &mut out);
        }
        out.push_str("</svg>\n");
        out
    }

    /// What stands in a state's box.
    fn lines(&self, at: usize) -> Vec<String> {
        let mut lines = vec![self.shown(at)];
        for (number, arrow) in self.arrows.iter().enumerate().filter(|(_, arrow)| arrow.from == at) {
            lines.push(format!("{}  {} \u{2192} {}", number + 1, arrow.label, self.nodes[arrow.to].name));
        }
        lines.extend(self.nodes[at].within.iter().map(|line| format!("\u{b7}  {line}")));
        lines
    }

    /// Where every box lies, by index of the state.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = vec![Place::default(); self.nodes.len()];
        self.row(&self.outermost, GAP / 2.0, GAP / 2.0, false, &mut places);
        places
    }

    /// Puts states beside each other (regions below each other) from a corner on; width and height of them all.
    fn row(&self, nodes: &[usize], x: f64, y: f64, regions: bool, places: &mut [Place]) -> (f64, f64) {
        let (mut at, mut width, mut height) = ((x, y), 0.0f64, 0.0f64);
        let mut line_height = 0.0f64;
        for &node in nodes {
            self.place(node, at.0, at.1, places);
            if at.0 > x && (regions || at.0 + places[node].w - x > ROW) {
                at = (x, at.1 + line_height + GAP);
                line_height = 0.0;
                self.place(node, at.0, at.1, places);
            }
            let place = places[node];
            line_height = line_height.max(place.h);
            width = width.max(place.x + place.w - x);
            height = height.max(place.y + place.h - y);
            at.0 = place.x + place.w + GAP;
        }
        (width, height)
    }

    /// Puts a state and all that is inside of it.
    fn place(&self, at: usize, x: f64, y: f64, places: &mut [Place]) {
        let lines = self.lines(at);
        let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let mut w = longest as f64 * CHAR + 2.0 * PAD;
        let mut h = lines.len() as f64 * LINE + PAD;
        if self.is_box(at) {
            let node = &self.nodes[at];
            let regions = node.kind == Kind::Parallel;
            let inside = self.row(&node.children, x + GAP / 2.0, y + h + GAP / 2.0, regions, places);
            w = w.max(inside.0 + GAP);
            h += inside.1 + GAP;
        }
        places[at] = Place { x, y, w, h };
    }

    fn draw(&self, at: usize, places: &[Place], out: &mut String) {
        let (node, Place { x, y, w, h }) = (&self.nodes[at], places[at]);
        let dash = if node.kind == Kind::Parallel { " stroke-dasharray=\"6 4\"" } else { "" };
        let (fill, stroke) = match node.active {
            true => ("#fff3c4", 2.5),
            false if self.is_box(at) => ("#f7f7f7", 1.0),
            false => ("white", 1.0),
        };
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"8\" fill=\"{fill}\" stroke=\"black\" stroke-width=\"{stroke}\"{dash}/>"
        );
        if node.kind == Kind::Final {
            let (x, y, w, h) = (x + 3.0, y + 3.0, w - 6.0, h - 6.0);
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"6\" fill=\"none\" stroke=\"black\"/>"
            );
        }
        for (line, text) in self.lines(at).iter().enumerate() {
            let (x, y) = (x + PAD, y + PAD / 2.0 + (line as f64 + 0.75) * LINE);
            let weight = if line == 0 { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\"{weight}>{}</text>", escaped(text));
        }
        for &child in &node.children {
            self.draw(child, places, out);
        }
    }

    /// The dot and the arrow to where it begins.
    fn begin(&self, initial: &[usize], places: &[Place], out: &mut String) {
        for &at in initial {
            let Place { x, y, .. } = places[at];
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/><path d=\"M{:.1} {:.1}L{x:.1} {:.1}\" stroke=\"black\" marker-end=\"url(#tip)\"/>",
                x - 16.0,
                y - 10.0,
                x - 16.0,
                y - 10.0,
                y + 6.0
            );
        }
    }

    fn arrow(&self, number: usize, places: &[Place], out: &mut String) {
        let arrow = &self.arrows[number];
        let (from, to) = (&places[arrow.from], &places[arrow.to]);
        // Arrows between the same two states bend apart.
        let same =
            self.arrows[..number].iter().filter(|other| (other.from, other.to) == (arrow.from, arrow.to));
        let bend = 26.0 + 18.0 * same.count() as f64;
        let (start, middle, end) = if arrow.from == arrow.to {
            let (x, y) = (from.x + from.w, from.y);
            ((x - 18.0, y), (x + bend, y - bend), (x, y + 16.0))
        } else {
            let (start, end) = if to.holds(from) {
                let y = from.middle().1;
                ((from.x, y), (to.x, y))
            } else if from.holds(to) {
                ((to.middle().0, from.y), (to.middle().0, to.y))
            } else {
                (from.border(to.middle()), to.border(from.middle()))
            };
            let (dx, dy) = (end.0 - start.0, end.1 - start.1);
            let length = dx.hypot(dy).max(1.0);
            let middle =
                ((start.0 + end.0) / 2.0 - dy / length * bend, (start.1 + end.1) / 2.0 + dx / length * bend);
            (start, middle, end)
        };
        let _ = writeln!(
            out,
            "<path d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"black\" marker-end=\"url(#tip)\"><title>{}</title></path>",
            start.0,
            start.1,
            middle.0,
            middle.1,
            end.0,
            end.1,
            escaped(&arrow.label)
        );
        let (x, y) = ((start.0 + 2.0 * middle.0 + end.0) / 4.0, (start.1 + 2.0 * middle.1 + end.1) / 4.0);
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"9\" fill=\"white\" stroke=\"black\" stroke-width=\"0.5\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10\">{}</text>",
            y + 3.5,
            number + 1
        );
    }
}

/// Text for XML; control characters, which XML forbids, become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
