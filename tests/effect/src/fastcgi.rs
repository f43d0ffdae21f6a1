//! What a web server in front of PHP-FPM says to it: one request, by `FastCGI`.

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMETERS: u8 = 4;
const INPUT: u8 = 5;
const OUTPUT: u8 = 6;

/// Role "responder"; the other side closes the connection after the answer.
const RESPONDER: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];

/// Asks for this script with this query, and returns the answer's body.
pub(crate) async fn post(
    mut stream: TcpStream,
    script: &str,
    query: &str,
) -> anyhow::Result<String> {
    let parameters = [
        ("SCRIPT_FILENAME", script),
        ("REQUEST_METHOD", "POST"),
        ("QUERY_STRING", query),
        ("CONTENT_LENGTH", "0"),
    ];
    let mut pairs = Vec::new();
    for (name, value) in parameters {
        // Lengths below 128 take one byte.
        pairs.extend([u8::try_from(name.len())?, u8::try_from(value.len())?]);
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    let mut request = record(BEGIN, &RESPONDER)?;
    // An empty record ends a stream of them.
    for (kind, content) in [(PARAMETERS, &pairs[..]), (PARAMETERS, &[]), (INPUT, &[])] {
        request.extend(record(kind, content)?);
    }
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8(output(&answer)?)?;
    let (_, body) = text
        .split_once("\r\n\r\n")
        .context("an answer without a body")?;
    Ok(body.to_owned())
}

fn record(kind: u8, content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let [high, low] = u16::try_from(content.len())?.to_be_bytes();
    let mut record = vec![1, kind, 0, 1, high, low, 0, 0];
    record.extend_from_slice(content);
    Ok(record)
}

/// What the records of the output hold; an error if the answer does not come to its end.
fn output(mut records: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut output = Vec::new();
    while let Some((&[_, kind, _, _, high, low, padding, _], rest)) = records.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        ensure!(
            rest.len() >= length + usize::from(padding),
            "the answer was cut off"
        );
        match kind {
            OUTPUT => output.extend_from_slice(&rest[..length]),
            END => return Ok(output),
            _ => {}
        }
        records = &rest[length + usize::from(padding)..];
    }
    anyhow::bail!("the answer has no end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_only_when_it_is_whole() {
        let mut answer = record(OUTPUT, b"Status: 200\r\n\r\nok").unwrap();
        answer.extend(record(OUTPUT, b" 7\n").unwrap());
        let whole = [answer.clone(), record(END, &[0; 8]).unwrap()].concat();
        assert_eq!(output(&whole).unwrap(), b"Status: 200\r\n\r\nok 7\n");
        assert!(output(&answer).is_err());
        assert!(output(&whole[..whole.len() - 1]).is_err());
    }
}
