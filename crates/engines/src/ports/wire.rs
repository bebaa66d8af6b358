//! How a center and the keeper talk: packets of JSON, with sockets beside them.

use std::{
    io::{self, IoSlice, IoSliceMut, Read as _, Write as _},
    mem::MaybeUninit,
    net::SocketAddr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::OpenOptionsExt as _,
    },
    path::Path,
};

use base64::Engine as _;
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg,
        socket_with,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::local::sys::own_descriptor_path;

/// The keeper's socket in the center's folder.
pub(super) const SOCKET: &str = "keeper.sock";
/// The file with the key by which a center proves itself: runs may have its uid, but they can't read it.
const KEY: &str = "keeper.key";
const KEY_BYTES: usize = 33;
const KEY_CHARS: usize = KEY_BYTES / 3 * 4;
/// The most sockets of a port.
const MAX_SOCKETS: usize = 4;
const MAX_PACKET_BYTES: usize = 1024;

/// A center's first packet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub key: String,
}

/// The keeper's answer. The sockets come beside it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Welcome {
    /// It has the sockets of this address, as it was asked for, or none.
    Kept(Option<SocketAddr>),
    /// Another center has them.
    Busy,
}

/// A center hands its sockets over, in the place of those that are kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Keep {
    pub asked: Option<SocketAddr>,
}

/// They are kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done {}

/// The key of this folder, made if there is none.
pub(super) fn key(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join(KEY);
    let mut options = std::fs::File::options();
    match options.write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let mut bytes = [0; KEY_BYTES];
            std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
            let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
            file.write_all(text.as_bytes())?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(&path)?;
            if text.len() == KEY_CHARS {
                return Ok(text);
            }
            // Its writer was cut off, before anybody could go by it.
            std::fs::remove_file(&path)?;
            key(data_dir)
        }
        Err(error) => Err(error),
    }
}

fn socket() -> rustix::io::Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
}

/// The address of the keeper's socket through an open folder: its own path may be too long for an address.
fn address(folder: &OwnedFd) -> rustix::io::Result<SocketAddrUnix> {
    SocketAddrUnix::new(format!("{}/{SOCKET}", own_descriptor_path(folder)))
}

fn open_folder(data_dir: &Path) -> rustix::io::Result<OwnedFd> {
    openat(CWD, data_dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Listens as the keeper of this folder.
pub(super) fn listen(data_dir: &Path) -> rustix::io::Result<OwnedFd> {
    let folder = open_folder(data_dir)?;
    match rustix::fs::unlinkat(&folder, SOCKET, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
    }
    let socket = socket()?;
    rustix::net::bind(&socket, &address(&folder)?)?;
    rustix::net::listen(&socket, 16)?;
    Ok(socket)
}

/// Connects with the keeper of this folder.
pub(super) fn connect(data_dir: &Path) -> rustix::io::Result<OwnedFd> {
    let folder = open_folder(data_dir)?;
    let socket = socket()?;
    rustix::net::connect(&socket, &address(&folder)?)?;
    Ok(socket)
}

/// Sends a packet and the sockets.
pub(super) fn send(to: impl AsFd, packet: &impl Serialize, sockets: &[OwnedFd]) -> io::Result<()> {
    let bytes = serde_json::to_vec(packet)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SOCKETS))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    if !fds.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("a port has more sockets than can be handed over"));
    }
    sendmsg(to, &[IoSlice::new(&bytes)], &mut beside, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a packet and the sockets beside it; `None` if the other side is gone.
pub(super) fn receive<T: DeserializeOwned>(from: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut bytes = [0; MAX_PACKET_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SOCKETS))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(&from, &mut [IoSliceMut::new(&mut bytes)], &mut beside, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut sockets = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            sockets.extend(fds);
        }
    }
    Ok(Some((serde_json::from_slice(&bytes[..received.bytes])?, sockets)))
}
