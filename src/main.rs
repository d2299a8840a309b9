//! The `pintail` program; all of it is in the library.

fn main() -> std::process::ExitCode {
    pintail::cli::main()
}
