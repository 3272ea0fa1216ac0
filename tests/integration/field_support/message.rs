//! HTTP/1.1 messages and frames of WebSockets, read and written as bytes: nothing between a hub and its front corrects them.

use std::io::{Error, Result};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A request or an answer.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub first_line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The next request of a connection; `None` where it has ended.
    pub async fn request(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Self>> {
        let Some(mut message) = Self::head(from).await? else {
            return Ok(None);
        };
        message.body = vec![0; message.length().unwrap_or(0)];
        from.read_exact(&mut message.body).await?;
        Ok(Some(message))
    }

    /// The head of an answer or a request.
    pub async fn head(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Self>> {
        let mut message = Self::default();
        let mut line = String::new();
        while from.read_line(&mut line).await? > 0 {
            match line.trim_end() {
                "" => return Ok(Some(message)),
                first if message.first_line.is_empty() => message.first_line = first.to_owned(),
                header => {
                    let (name, value) = header.split_once(':').ok_or_else(|| Error::other("no header"))?;
                    message
                        .headers
                        .push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
            }
            line.clear();
        }
        Ok(None)
    }

    pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            first_line: format!("HTTP/1.1 {status} Status"),
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    pub async fn write_head(&self, to: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        let mut head = format!("{}\r\n", self.first_line);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes()).await
    }

    /// Writes it with the length that its body has.
    pub async fn write(mut self, to: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        self.set("content-length", &self.body.len().to_string());
        self.write_head(to).await?;
        to.write_all(&self.body).await?;
        to.flush().await
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub fn length(&self) -> Option<usize> {
        self.header("content-length").parse().ok()
    }

    pub fn method(&self) -> &str {
        self.first_line.split(' ').next().unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.first_line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn set_path(&mut self, path: &str) {
        self.first_line = format!("{} {path} HTTP/1.1", self.method());
    }

    pub fn is_form(&self) -> bool {
        self.header("content-type")
            .starts_with("application/x-www-form-urlencoded")
    }

    /// A member of the form that it carries.
    pub fn member(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(&self.body).filter(|_| self.is_form());
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// Whether it publishes an event, or means to.
    pub fn is_publication(&self) -> bool {
        self.method() == "POST" && self.header("content-type").contains("json")
    }

    pub fn opens_a_socket(&self) -> bool {
        self.header("upgrade").eq_ignore_ascii_case("websocket")
    }
}

/// One frame, whole.
pub struct Frame(Vec<u8>);

impl Frame {
    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Self> {
        let mut bytes = vec![0; 2];
        from.read_exact(&mut bytes).await?;
        let extended = match bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        // What clients send is masked.
        let mask = if bytes[1] & 0x80 == 0 { 0 } else { 4 };
        bytes.resize(2 + extended, 0);
        from.read_exact(&mut bytes[2..]).await?;
        let length = match extended {
            0 => usize::from(bytes[1] & 0x7f),
            _ => bytes[2..]
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte)),
        };
        let head = bytes.len();
        let length = length + mask;
        bytes.resize(head + length, 0);
        from.read_exact(&mut bytes[head..]).await?;
        Ok(Self(bytes))
    }

    /// A text.
    pub fn text(text: &str) -> Self {
        let length = u64::try_from(text.len()).unwrap();
        let mut bytes = vec![0x81, 127];
        bytes.extend(length.to_be_bytes());
        bytes.extend(text.as_bytes());
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text that stands behind this name in an object that it carries.
    pub fn member(&self, name: &str) -> String {
        let text = String::from_utf8_lossy(&self.0).into_owned();
        let behind = text.split_once(&format!("\"{name}\":\"")).unwrap().1;
        behind.split('"').next().unwrap().to_owned()
    }

    pub fn is_close(&self) -> bool {
        self.0[0] & 0x0f == 0x8
    }

    pub fn is_pong(&self) -> bool {
        self.0[0] & 0x0f == 0xa
    }

    /// A text of JSON with a change; any other frame as it is.
    pub fn changed(self, change: fn(&mut serde_json::Value)) -> Self {
        let head = match self.0[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        match serde_json::from_slice::<serde_json::Value>(&self.0[head..]) {
            Ok(mut message) if self.0[0] == 0x81 && message.is_object() => {
                change(&mut message);
                Self::text(&message.to_string())
            }
            _ => self,
        }
    }

    pub fn says(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.0).contains(text)
    }
}
