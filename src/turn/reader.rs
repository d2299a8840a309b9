//! Who reads requests: a model, or nobody.

use std::sync::atomic::AtomicBool;

use super::cost::Part;
use super::mind::{Mind, MindError, Reading};
use crate::prompt::Scene;

/// Reads requests for an engine. [`Mind`] is the one with a model.
pub trait Reader: Send {
    /// The model's file, or `bundled`.
    fn name(&self) -> &str;

    /// Reads a request. `prose` is the state's prompt, for models that read it.
    ///
    /// # Errors
    /// As [`Mind::read`].
    fn read(
        &mut self,
        scene: &Scene,
        prose: Option<&str>,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError>;

    /// What a state's prompt costs before anything is said, part by part.
    fn measure(&self, scene: &Scene, prose: Option<&str>) -> Vec<Part>;

    /// Tokens that prompt and answer may have together.
    fn context(&self) -> usize;
}

impl Reader for Mind {
    fn name(&self) -> &str {
        Mind::name(self)
    }

    fn read(
        &mut self,
        scene: &Scene,
        prose: Option<&str>,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        Mind::read(self, scene, prose, request, cancel)
    }

    fn measure(&self, scene: &Scene, prose: Option<&str>) -> Vec<Part> {
        Mind::measure(self, scene, prose)
    }

    fn context(&self) -> usize {
        Mind::context(self)
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
        _: &Scene,
        _: Option<&str>,
        request: &str,
        _: &AtomicBool,
    ) -> Result<Reading, MindError> {
        Ok(Reading { request: request.to_owned(), confidence: 1.0, ..Reading::default() })
    }

    fn measure(&self, _: &Scene, _: Option<&str>) -> Vec<Part> {
        Vec::new()
    }

    fn context(&self) -> usize {
        0
    }
}
