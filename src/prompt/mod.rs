//! Renderers: a structured turn into prompt text and grammar, and the answer back into calls.
//!
//! A [`Scene`] is what a state offers (tools and devices); a [`Turn`] adds a request with its links. The
//! bundled model's rendering is [`pintail`]: devices, areas, kinds, choices and numbers are pointers, so that an
//! answer can name nothing that the prompt does not hold. Models of other families are spoken to through their chat
//! template and write the same calls in their own notation: [`chat`]. Both give a grammar with the prompt, and only texts
//! of that grammar are ever read back. Which words of a request a text argument takes is weighed in `span`, which of the user's tools they are for in
//! `intent`. What a state has beside its scene (prose, variables, earlier turns) is a [`Background`].

mod background;
pub mod chat;
pub mod form;
pub(crate) mod intent;
pub mod pintail;
mod plan;
mod scene;
pub(crate) mod span;
mod trim;
pub(crate) mod weights;

pub use background::{Background, Earlier};
pub use plan::{Argument, Group, Selector, Step, merged, resolve};
pub use scene::{Param, ParamKind, Scene, Tool};
pub use trim::trimmed;

use crate::link::{Link, Number};

/// A request in a scene, with its links.
#[derive(Clone, Debug)]
pub struct Turn<'s> {
    /// Tools and devices.
    pub scene: &'s Scene,
    /// The person's words.
    pub request: &'s str,
    /// What the matcher found in them.
    pub links: Vec<Link>,
    /// The numbers among the links, in the order they are said.
    pub numbers: Vec<Number>,
}

impl<'s> Turn<'s> {
    /// A turn with the links of the scene's own matcher.
    pub fn new(scene: &'s Scene, request: &'s str) -> Turn<'s> {
        Turn::with_links(scene, request, scene.index().links(request))
    }

    /// A turn with links of the caller's choice (training leaves some out).
    pub fn with_links(scene: &'s Scene, request: &'s str, links: Vec<Link>) -> Turn<'s> {
        let numbers = crate::link::numbers(&links);
        Turn { scene, request, links, numbers }
    }
}
