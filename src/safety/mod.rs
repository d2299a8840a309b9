//! The one way to the board: every call that moves a line passes here.
