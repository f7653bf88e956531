//! Frames of features, one after the other in one buffer.

/// Frames of features, `[frames, width]`.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Features {
    /// The number of values in a frame.
    pub width: usize,
    /// The values, frame after frame.
    pub values: Vec<f32>,
}

impl Features {
    /// No frames yet, of this width.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, values: Vec::new() }
    }

    /// The number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Whether there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A frame, `[width]`.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn frame(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// The frames, `[width]` each.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }
}
