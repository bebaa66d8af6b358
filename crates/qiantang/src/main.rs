mod demo;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("engine-host") => engines::local::host::main(),
        Some("serve") => serve::run(args.get(2).map(std::path::Path::new)),
        _ => {
            serve::start_logs(center::settings::LogFormat::Text);
            let options = demo::Options {
                once: args.iter().any(|a| a == "--once"),
                json: args.iter().any(|a| a == "--json"),
                listen: None,
                data_dir: None,
                no_isolation: false,
                lang: domain::Lang::En,
            };
            demo::run(&options, serve::host_command())
        }
    }
}
