//! What a client says to PostgreSQL: one transaction that takes a second, by the protocol's version 3.

use anyhow::{bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A session whose user needs no password.
const START: &[u8] = b"\0\x03\0\0user\0postgres\0\0";
const QUERY: u8 = b'Q';
const TERMINATE: u8 = b'X';

const ROW: u8 = b'D';
const COMMITTED: u8 = b'C';
const ERROR: u8 = b'E';
const READY: u8 = b'Z';

/// Sleeps for a second in a transaction, and returns what it selected.
pub(crate) async fn select(mut stream: TcpStream, number: u64) -> anyhow::Result<String> {
    let length = u32::try_from(START.len() + 4)?.to_be_bytes();
    stream.write_all(&[&length, START].concat()).await?;
    while message(&mut stream).await?.0 != READY {}

    let query = format!("select 'ok {number}' from pg_sleep(1)\0");
    send(&mut stream, QUERY, query.as_bytes()).await?;
    let mut row = Vec::new();
    loop {
        match message(&mut stream).await? {
            // The number of columns, and the length of the first.
            (ROW, content) => row = content.get(6..).unwrap_or_default().to_vec(),
            (COMMITTED, _) => break,
            _ => {}
        }
    }
    send(&mut stream, TERMINATE, b"").await?;
    Ok(String::from_utf8(row)? + "\n")
}

async fn send(stream: &mut TcpStream, kind: u8, content: &[u8]) -> anyhow::Result<()> {
    let length = u32::try_from(content.len() + 4)?.to_be_bytes();
    let message = [&[kind], &length[..], content].concat();
    Ok(stream.write_all(&message).await?)
}

/// The next message: its kind and its content.
async fn message(stream: &mut TcpStream) -> anyhow::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await?;
    ensure!(
        (4..1 << 20).contains(&length),
        "a message of {length} bytes"
    );
    let mut content = vec![0; usize::try_from(length - 4)?];
    stream.read_exact(&mut content).await?;
    if kind == ERROR {
        bail!("{}", String::from_utf8_lossy(&content).replace('\0', " "));
    }
    Ok((kind, content))
}
