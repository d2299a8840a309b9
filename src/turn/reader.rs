//! Who reads requests: a model, or nobody.

use std::sync::atomic::AtomicBool;

use super::cost::Part;
use super::mind::{Mind, MindError, Reading};
use crate::agent::chart::Frame;
use crate::prompt::{Background, Scene};

/// Reads requests for an engine. [`Mind`] is the one with a model.
pub trait Reader: Send {
    /// The model's file, or `bundled`.
    fn name(&self) -> &str;

    /// Reads a request.
    ///
    /// # Errors
    /// As [`Mind::read_in`].
    fn read(
        &mut self,
        background: &Background<'_>,
        scene: &Scene,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError>;

    /// Answers a question of the agent's own in some form: with words that a grammar allows, or JSON that fits a schema.
    ///
    /// # Errors
    /// As [`Mind::write_answer`].
    fn write(
        &mut self,
        background: &Background<'_>,
        request: &str,
        frame: &Frame,
        cancel: &AtomicBool,
    ) -> Result<String, MindError>;

    /// What a state's prompt costs before anything is said, part by part.
    fn measure(&self, scene: &Scene, background: &Background<'_>) -> Vec<Part>;

    /// Tokens that prompt and answer may have together.
    fn context(&self) -> usize;
}

impl Reader for Mind {
    fn name(&self) -> &str {
        Mind::name(self)
    }

    fn read(
        &mut self,
        background: &Background<'_>,
        scene: &Scene,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        Mind::read_in(self, background, scene, request, cancel)
    }

    fn write(
        &mut self,
        background: &Background<'_>,
        request: &str,
        frame: &Frame,
        cancel: &AtomicBool,
    ) -> Result<String, MindError> {
        self.write_answer(background, request, frame, cancel)
    }

    fn measure(&self, scene: &Scene, background: &Background<'_>) -> Vec<Part> {
        Mind::measure(self, scene, background)
    }

    fn context(&self) -> usize {
        Mind::context(self)
    }
}

impl Reader for Box<dyn Reader> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn read(
        &mut self,
        background: &Background<'_>,
        scene: &Scene,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        (**self).read(background, scene, request, cancel)
    }

    fn write(
        &mut self,
        background: &Background<'_>,
        request: &str,
        frame: &Frame,
        cancel: &AtomicBool,
    ) -> Result<String, MindError> {
        (**self).write(background, request, frame, cancel)
    }

    fn measure(&self, scene: &Scene, background: &Background<'_>) -> Vec<Part> {
        (**self).measure(scene, background)
    }

    fn context(&self) -> usize {
        (**self).context()
    }
}

/// Nobody reads: for agents that are driven by events alone, and for replays, where the readings are those of the trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModel;

impl Reader for NoModel {
    fn name(&self) -> &str {
        "none"
    }

    /// Finds nothing to do, surely.
    fn read(
        &mut self,
        _: &Background<'_>,
        _: &Scene,
        request: &str,
        _: &AtomicBool,
    ) -> Result<Reading, MindError> {
        Ok(Reading { request: request.to_owned(), confidence: 1.0, ..Reading::default() })
    }

    /// Answers nothing.
    fn write(&mut self, _: &Background<'_>, _: &str, _: &Frame, _: &AtomicBool) -> Result<String, MindError> {
        Err(MindError::Unanswered)
    }

    fn measure(&self, _: &Scene, _: &Background<'_>) -> Vec<Part> {
        Vec::new()
    }

    fn context(&self) -> usize {
        0
    }
}
