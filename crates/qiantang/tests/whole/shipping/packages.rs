//! The Debian package and the unit for systemd, by the tools that read them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{QIANTANG, tamper::path};

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name)
}

/// Runs a command that has to succeed. Gives what it printed, standard error last.
fn ok(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
    told
}

/// Installs, upgrades or purges in a folder in the place of the system's root.
fn dpkg(root: &Path, args: &[&str]) -> String {
    let root = format!("--root={}", path(root));
    let forced = [
        "--force-script-chrootless",
        "--force-depends",
        "--force-not-root",
        "--force-confold",
        "--log=/dev/null",
    ];
    ok(Command::new("dpkg").arg(root).args(forced).args(args))
}

#[test]
fn the_package_installs_its_files_keeps_changed_settings_and_never_takes_the_books() {
    let folder = testkit::open_folder();
    // Compressing the program takes longer than all else, and says nothing here.
    ok(Command::new(packaging("deb/build"))
        .args([QIANTANG, path(folder.path())])
        .env("DEB_COMPRESSION", "none"));
    let found: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "deb"))
        .collect();
    let [package] = found.as_slice() else { panic!("{found:?}") };
    let contents = ok(Command::new("dpkg-deb").args(["--contents", path(package)]));
    for (mode, file) in [
        ("-rwxr-xr-x root/root", "./usr/bin/qiantang"),
        ("-rw-r--r-- root/root", "./usr/lib/systemd/system/qiantang.service"),
        ("-rw-r--r-- root/root", "./etc/qiantang/center.toml"),
        ("-rw-r--r-- root/root", "./usr/share/qiantang/prometheus/rules.yml"),
        ("-rw-r--r-- root/root", "./usr/share/qiantang/grafana/center.json"),
        ("-rw-r--r-- root/root", "./usr/share/doc/qiantang/operators.md"),
    ] {
        let line = contents.lines().find(|line| line.ends_with(&format!(" {file}")));
        assert!(line.is_some_and(|line| line.starts_with(mode)), "{file}: {contents}");
    }
    let info = ok(Command::new("dpkg-deb").args(["--info", path(package)]));
    for wanted in ["Depends: libc6 (>= 2.", "Version: 0.", "conffiles", "postinst", "postrm"] {
        assert!(info.contains(wanted), "{wanted}: {info}");
    }

    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("var/lib/dpkg/updates")).expect("a folder");
    std::fs::create_dir_all(root.join("var/lib/dpkg/info")).expect("a folder");
    std::fs::write(root.join("var/lib/dpkg/status"), "").expect("it is written");
    std::fs::create_dir_all(root.join("etc")).expect("a folder");
    let told = dpkg(&root, &["--install", path(package)]);
    assert!(told.contains("qiantang doctor --config /etc/qiantang/center.toml"), "{told}");
    let mode = |file: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(root.join(file)).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!((mode("var/lib/qiantang"), mode("var/backups/qiantang")), (0o711, 0o700));
    let users = std::fs::read_to_string(root.join("etc/passwd")).expect("users");
    assert!(users.starts_with("qiantang:"), "{users}");
    // The settings that come with it are valid.
    let settings = root.join("etc/qiantang/center.toml");
    let doctor = Command::new(QIANTANG)
        .args(["--json", "doctor", "--config", path(&settings)])
        .output()
        .expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&doctor.stdout).expect("a report");
    assert_eq!(report["checks"][0]["ok"], true, "{report}");

    let own = std::fs::read_to_string(&settings).expect("settings") + "name_en = \"Ours\"\n";
    std::fs::write(&settings, &own).expect("it is written");
    let told = dpkg(&root, &["--install", path(package)]);
    assert!(!told.contains("doctor"), "an upgrade has no first steps: {told}");
    assert_eq!(std::fs::read_to_string(&settings).expect("settings"), own);
    std::fs::write(root.join("var/lib/qiantang/books"), "").expect("it is written");
    std::fs::write(root.join("var/backups/qiantang/one.db"), "").expect("it is written");
    let told = dpkg(&root, &["--purge", "qiantang"]);
    assert!(told.contains("the center's data stays in /var/lib/qiantang"), "{told}");
    assert!(root.join("var/lib/qiantang/books").exists() && !settings.exists());
    assert!(!root.join("usr/bin/qiantang").exists() && root.join("var/backups/qiantang/one.db").exists());
}

#[test]
fn systemd_takes_the_unit_without_a_word() {
    let folder = testkit::open_folder();
    let unit = std::fs::read_to_string(packaging("systemd/qiantang.service")).expect("the unit");
    // The program is not installed here.
    let here = unit.replace("/usr/bin/qiantang ", &format!("{QIANTANG} "));
    assert_ne!(here, unit);
    let file = folder.path().join("qiantang.service");
    std::fs::write(&file, here).expect("it is written");
    let told = ok(Command::new("systemd-analyze").args(["verify", "--man=no", path(&file)]));
    // It names what is wrong with other units of this machine, too.
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("qiantang")).collect();
    assert_eq!(ours, [""; 0]);
    // A run outlives the center, and accelerators are there.
    assert!(unit.contains("\nKillMode=process\n") && unit.contains("\nType=notify\n"));
    for breaking in [
        "PrivateDevices=",
        "PrivateNetwork=",
        "RestrictNamespaces=",
        "MemoryDenyWriteExecute=",
        "ProtectClock=",
    ] {
        assert!(!unit.lines().any(|line| line.starts_with(breaking)), "{breaking}");
    }
}

#[test]
fn a_center_tells_systemd_when_it_is_up() {
    let folder = testkit::open_folder();
    let socket = folder.path().join("notify");
    let heard = std::os::unix::net::UnixDatagram::bind(&socket).expect("a socket");
    heard.set_read_timeout(Some(testkit::PATIENCE)).expect("a limit");
    let mut center = Command::new(QIANTANG)
        .arg("serve")
        .env("NOTIFY_SOCKET", &socket)
        .env("QIANTANG__LISTEN", "127.0.0.1:0")
        .env("QIANTANG__DATA_DIR", folder.path().join("data"))
        .env("QIANTANG__BACKUP_DIR", folder.path().join("backups"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let hear = || {
        let mut bytes = [0; 256];
        let read = heard.recv(&mut bytes).expect("it tells");
        String::from_utf8_lossy(&bytes[..read]).trim().to_owned()
    };
    let up = hear();
    ok(Command::new("kill").args(["-TERM", &center.id().to_string()]));
    let stopping = hear();
    assert!(center.wait().expect("it ends").success());
    assert_eq!((up.as_str(), stopping.as_str()), ("READY=1", "STOPPING=1"));
}
