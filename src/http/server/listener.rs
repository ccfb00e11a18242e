//! The socket on which the server accepts connections: an address, a unix socket, or a socket that systemd hands over.

use std::{
    fmt, fs,
    future::poll_fn,
    io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixListener as StdUnixListener,
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use rocket::tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream},
    task::unconstrained,
};

use crate::{domain::listen_address::ListenAddress, http::request::peer::Peer};

/// The number of connections that the system accepts and keeps until the server takes them.
const BACKLOG: u32 = 4096;

/// The mode of a unix socket: the owner and the group may connect.
const SOCKET_MODE: u32 = 0o660;

/// A socket that accepts connections.
pub struct Listener {
    socket: Socket,
    place: Place,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Where a server listens. It is printed after "listening on".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address.
    Address(SocketAddr),
    /// The path of a unix socket that the server has created.
    Path(PathBuf),
    /// A socket that systemd handed over. The address of a TCP socket is known.
    Inherited(Option<SocketAddr>),
}

/// The reason for which the socket that systemd handed over can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HandedOverError {
    /// There is more than one.
    #[error(
        "systemd handed over {0} sockets, and the server listens on one; remove lines ListenStream= from the socket unit, or \
         write an empty one before the last, which removes those before it"
    )]
    Several(usize),
    /// It accepts no connections.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Listener {
    /// Listens on an address or on a unix socket.
    ///
    /// # Errors
    /// The error of the system. [`io::ErrorKind::AddrInUse`] if a program listens on the unix socket, or if its path is a
    /// file of another kind.
    pub fn bind(address: &ListenAddress, port: u16) -> io::Result<Self> {
        match address {
            ListenAddress::Ip(ip) => Self::bind_address(SocketAddr::new(*ip, port)),
            ListenAddress::Unix(path) => Self::bind_path(path),
        }
    }

    fn bind_address(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Without this, a restart could not listen while connections of the last run are being closed.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let socket = socket.listen(BACKLOG)?;
        let place = Place::Address(socket.local_addr()?);
        Ok(Self { socket: Socket::Tcp(socket), place })
    }

    fn bind_path(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let socket = StdUnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Socket::Unix(UnixListener::from_std(socket)?), place: Place::Path(path.to_owned()) })
    }

    /// Takes the socket that systemd handed over (`LISTEN_FDS`, sd_listen_fds(3)); `None` if systemd handed over no
    /// socket.
    ///
    /// # Errors
    /// The socket accepts no connections, or there is more than one.
    pub fn inherited() -> Result<Option<Self>, HandedOverError> {
        let mut handed_over = listenfd::ListenFd::from_env();
        match handed_over.len() {
            0 => return Ok(None),
            1 => {}
            // Connections to the others would wait for ever.
            several => return Err(HandedOverError::Several(several)),
        }
        if let Ok(Some(socket)) = handed_over.take_tcp_listener(0) {
            socket.set_nonblocking(true)?;
            let place = Place::Inherited(Some(socket.local_addr()?));
            return Ok(Some(Self { socket: Socket::Tcp(TcpListener::from_std(socket)?), place }));
        }
        let Some(socket) = handed_over.take_unix_listener(0)? else { return Ok(None) };
        socket.set_nonblocking(true)?;
        Ok(Some(Self { socket: Socket::Unix(UnixListener::from_std(socket)?), place: Place::Inherited(None) }))
    }

    /// Returns where the server listens.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Waits for the next connection.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// Returns the connections that the system has accepted already.
    pub async fn accepted(&self) -> Vec<(Stream, Peer)> {
        let all = poll_fn(|context| {
            let mut accepted = Vec::new();
            while let Poll::Ready(next) = self.poll_accept(context) {
                match next {
                    Ok(connection) => accepted.push(connection),
                    // This one was reset. Any other error would be repeated.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(_) => break,
                }
            }
            Poll::Ready(accepted)
        });
        // Without the limit after which Tokio lets other tasks run.
        unconstrained(all).await
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        match &self.socket {
            Socket::Tcp(socket) => socket.poll_accept(context).map_ok(|(stream, address)| {
                // A response must not wait for the acknowledgement of the last packet. If the option can't be set, it is
                // only slower.
                let _ = stream.set_nodelay(true);
                (Stream::Tcp(stream), Peer::Address(address))
            }),
            Socket::Unix(socket) => {
                socket.poll_accept(context).map_ok(|(stream, _)| (Stream::Unix(stream), Peer::Unix))
            }
        }
    }
}

/// Removes the unix socket, if no program listens on it.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "there is a file that is not a socket"));
    }
    match StdUnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens on this socket")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The next server removes the socket if this fails.
        if let Place::Path(path) = &self.place {
            let _ = fs::remove_file(path);
        }
    }
}

impl Place {
    /// Returns whether another process keeps the socket while this server is stopped, so connections wait in it.
    pub fn is_inherited(&self) -> bool {
        matches!(self, Self::Inherited(_))
    }

    /// Returns the text that is printed after "listening on". `scheme` is `http` or `https`.
    pub fn describe(&self, scheme: &str) -> String {
        match self {
            Self::Address(address) => format!("{scheme}://{address}"),
            Self::Path(path) => format!("unix:{}", path.display()),
            Self::Inherited(_) => "inherited socket".to_owned(),
        }
    }

    /// Returns the address; `None` for a unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Inherited(address) => *address,
            Self::Path(_) => None,
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.place).finish()
    }
}

/// An accepted connection.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
