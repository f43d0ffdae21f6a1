//! What a client says to Redis: a command that blocks for a second, as one that waits for a queue does.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Waits for a second, and returns what Redis then repeats.
pub(crate) async fn wait(mut stream: TcpStream, number: u64) -> anyhow::Result<String> {
    let commands = format!("BLPOP nothing 1\r\nECHO \"ok {number}\"\r\nQUIT\r\n");
    stream.write_all(commands.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let lines: Vec<_> = answer.split("\r\n").collect();
    // Nothing came; a string of so many bytes; good-bye.
    let [_, _, echo, _, ..] = lines[..] else {
        anyhow::bail!("Redis answers {answer:?}");
    };
    Ok(format!("{echo}\n"))
}
