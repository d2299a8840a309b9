//! What any program that parses JSON takes: the two beside it are this and an engine.

fn main() {
    let mut args = std::env::args().skip(1);
    let schema = std::fs::read_to_string(args.next().expect("SCHEMA TEXT")).expect("a file");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    println!("{schema} {}", args.next().expect("SCHEMA TEXT").len());
}
