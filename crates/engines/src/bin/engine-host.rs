//! The host process alone, for the tests and benches of this crate; the center's own program has it built in.

fn main() {
    engines::local::host::main()
}
