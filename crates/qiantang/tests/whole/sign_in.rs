//! Credentials go to the center alone, and guessing somebody's password does not keep them out.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use serde_json::json;
use testkit::{PASSWORD, Site};

use crate::QIANTANG;

/// The status of a sign-in from that address of this machine.
fn sign_in_from(from: Ipv4Addr, site: &Site, login: &str, password: &str) -> u16 {
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .expect("a socket");
    rustix::net::bind(&socket, &SocketAddrV4::new(from, 0)).expect("all of 127/8 is this machine's");
    let address: SocketAddr =
        site.url.strip_prefix("http://").and_then(|at| at.parse().ok()).expect("an address");
    rustix::net::connect(&socket, &address).expect("the center listens");
    let mut there = TcpStream::from(socket);
    let body = json!({ "login": login, "password": password }).to_string();
    let head =
        "POST /api/v1/login HTTP/1.1\r\nHost: center\r\nConnection: close\r\nContent-Type: application/json";
    write!(there, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it is sent");
    let mut answer = String::new();
    there.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn who_guesses_a_password_locks_out_nobody_elsewhere() {
    let site = Site::new(QIANTANG, 1, "");
    let (stranger, owner) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3));
    let guesses: Vec<u16> =
        (0..12).map(|_| sign_in_from(stranger, &site, "operator", "a wrong password")).collect();
    assert_eq!((guesses[0], guesses[11]), (401, 429), "{guesses:?}");
    // Not even the right one helps the stranger now, and it helps its owner.
    assert_eq!(sign_in_from(stranger, &site, "operator", PASSWORD), 429);
    assert_eq!(sign_in_from(owner, &site, "operator", PASSWORD), 201);
}

/// Takes a port, as a job might take the center's, and prints what it is sent.
const LISTENS: &str = "
import socket
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
while True:
    print(server.accept()[0].recv(65536), flush=True)
";

#[test]
fn credentials_do_not_go_to_a_program_of_another_user_that_has_the_centers_port() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut taker = Command::new("/usr/bin/python3")
        .args(["-c", LISTENS])
        .uid(210_001)
        .current_dir("/")
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut lines = BufReader::new(taker.stdout.take().expect("it is piped")).lines();
    let mut said = || lines.next().expect("a line").expect("it is text");
    let url = format!("http://127.0.0.1:{}", said());
    let home = tempfile::tempdir().expect("a folder");
    let command = |args: &[&str]| {
        let mut command = Command::new(QIANTANG);
        command.args(args).env("HOME", home.path()).env("QIANTANG_URL", &url).env("QIANTANG_TOKEN", "secret");
        command.stdin(Stdio::null());
        command
    };
    let jobs = command(&["jobs"]).output().expect("it runs");
    assert_eq!(jobs.status.code(), Some(5), "{}", String::from_utf8_lossy(&jobs.stderr));
    let mut login = command(&["login", "lin", "--password-stdin"])
        .env_remove("QIANTANG_TOKEN")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    login.stdin.take().expect("it is piped").write_all(b"a password\n").expect("it is read");
    let output = login.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("belongs to the user 210001") && told.contains("QIANTANG_CENTER_UID"), "{told}");
    let output = command(&["jobs"]).env("QIANTANG_CENTER_UID", "lin").output().expect("it runs");
    assert_eq!(
        output.status.code(),
        Some(2),
        "a name is no uid: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    // It was sent nothing so far: what is first is what it is sent now, on the operator's word.
    let mut named = command(&["jobs"])
        .env("QIANTANG_CENTER_UID", "210001")
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    assert!(said().contains("GET /api/v1/jobs"), "it was sent something else before");
    taker.kill().expect("it is killed");
    let _ended = (taker.wait(), named.wait());
}
