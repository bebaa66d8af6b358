//! The host process alone, for the tests and benches of this crate. The center's own program has it built in.

fn main() {
    engines::local::host::main()
}
