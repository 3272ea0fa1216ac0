//! A conversation as a sequence diagram: the hub on the left, each mock subscriber a lane, time downwards.

use serde::Serialize;

use super::label::label;
use crate::report::text;
use castspec_judging::outcome::{Entry, Evidence, Traffic, shortened};

/// Messages shown before and after each piece of evidence.
const AROUND: usize = 3;
/// Conversations up to this length are shown whole.
const WHOLE: usize = 16;
/// Rows at the most.
const ROWS: usize = 48;
/// Lanes at the most; what further subscribers exchanged is left out, as if it lay between two rows.
const LANES: usize = 6;

/// The position of the hub's lane.
const HUB: usize = 156;
/// From lane to lane.
const LANE: usize = 208;
/// From row to row.
const ROW: usize = 32;
/// The first row's arrow.
const TOP: usize = 62;

/// A diagram, in the units of its own drawing.
#[derive(Debug, Serialize)]
pub struct Diagram {
    width: usize,
    height: usize,
    lanes: Vec<Lane>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Lane {
    name: String,
    x: usize,
}

/// One message, or a gap.
#[derive(Debug, Serialize)]
struct Row {
    y: usize,
    /// Messages left out here, in place of a message.
    gap: usize,
    sequence: usize,
    time: String,
    label: String,
    /// The messages as text, for readers who cannot see the drawing.
    told: String,
    from: usize,
    to: usize,
    /// The middle of the label.
    middle: usize,
    kind: Kind,
    /// It is part of the evidence.
    marked: bool,
}

/// How a row is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// A request, or the way to a WebSocket.
    Request,
    /// An answer.
    Answer,
    /// A frame.
    Frame,
    /// The end of a connection, or of the hope for one.
    End,
    /// A remark.
    Note,
}

/// The arrow of a message, and whether it goes to the hub.
fn looks(traffic: &Traffic) -> (Kind, bool) {
    match traffic {
        Traffic::Request { .. } | Traffic::Connect { .. } => (Kind::Request, true),
        Traffic::Response { .. } | Traffic::Connected => (Kind::Answer, false),
        Traffic::CallbackRequest { .. } => (Kind::Request, false),
        Traffic::CallbackResponse { .. } => (Kind::Answer, true),
        Traffic::NoResponse { .. } | Traffic::ConnectFailed { .. } => (Kind::End, false),
        Traffic::FrameSent { .. } => (Kind::Frame, true),
        Traffic::FrameReceived { .. } => (Kind::Frame, false),
        Traffic::Closed { by_hub, .. } => (Kind::End, !by_hub),
        Traffic::Note { .. } => (Kind::Note, true),
    }
}

/// Draws the messages around the evidence; of the evidence alone where the transcript is not there. `None` where nothing
/// can be shown.
pub fn draw(transcript: &[Entry], evidence: &[Evidence]) -> Option<Diagram> {
    let known = |evidence: &Evidence| {
        transcript
            .iter()
            .any(|entry| entry.sequence == evidence.entry.sequence)
    };
    let entries: Vec<&Entry> = match evidence.iter().all(known) && !transcript.is_empty() {
        true => transcript.iter().collect(),
        false => evidence.iter().map(|evidence| &evidence.entry).collect(),
    };
    if evidence.is_empty() || entries.is_empty() {
        return None;
    }
    let marked = |entry: &Entry| {
        evidence
            .iter()
            .any(|evidence| evidence.entry.sequence == entry.sequence)
    };
    let near = near(&entries, marked);
    let mut names: Vec<&str> = Vec::new();
    // The lanes of the evidence come first where there are more than can be drawn.
    let of_evidence = evidence.iter().map(|evidence| evidence.entry.actor.as_str());
    let of_rows = near.iter().map(|at| entries[*at].actor.as_str());
    for name in of_evidence.chain(of_rows) {
        if names.len() < LANES && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| entries.iter().position(|entry| entry.actor == *name));
    let lane = |name: &str| {
        names
            .iter()
            .position(|known| *known == name)
            .map(|at| HUB + LANE * (at + 1))
    };

    let mut rows = Vec::new();
    let mut next = 0;
    for at in near {
        let entry = entries[at];
        let Some(x) = lane(&entry.actor) else {
            continue;
        };
        if rows.len() >= ROWS {
            break;
        }
        if at > next {
            rows.push(gap(rows.len(), at - next));
        }
        next = at + 1;
        rows.push(row(rows.len(), entry, x, marked(entry)));
    }
    if next < entries.len() && !rows.is_empty() {
        rows.push(gap(rows.len(), entries.len() - next));
    }
    let lanes: Vec<Lane> = std::iter::once("hub")
        .chain(names.iter().copied())
        .enumerate()
        .map(|(at, name)| Lane {
            name: shortened(&text::line(name), 22),
            x: HUB + LANE * at,
        })
        .collect();
    Some(Diagram {
        width: HUB + LANE * names.len() + 88,
        height: TOP + ROW * rows.len(),
        lanes,
        rows,
    })
}

/// The positions that are shown: all of a short conversation, of a long one what lies around the evidence.
fn near(entries: &[&Entry], marked: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let marks: Vec<usize> = (0..entries.len()).filter(|at| marked(entries[*at])).collect();
    let close = |at: usize| marks.iter().any(|mark| mark.abs_diff(at) <= AROUND);
    (0..entries.len())
        .filter(|at| entries.len() <= WHOLE || close(*at))
        .collect()
}

fn gap(position: usize, left_out: usize) -> Row {
    Row {
        y: TOP + ROW * position,
        gap: left_out,
        sequence: 0,
        time: String::new(),
        label: String::new(),
        told: String::new(),
        from: 0,
        to: 0,
        middle: 0,
        kind: Kind::Note,
        marked: false,
    }
}

fn row(position: usize, entry: &Entry, x: usize, marked: bool) -> Row {
    let (kind, to_hub) = looks(&entry.traffic);
    let (from, to) = if to_hub { (x, HUB) } else { (HUB, x) };
    Row {
        y: TOP + ROW * position,
        gap: 0,
        sequence: entry.sequence,
        time: time(entry.at_ms),
        label: label(entry),
        told: shortened(&text::headline(entry), 160),
        from,
        to,
        middle: x - LANE / 2,
        kind,
        marked,
    }
}

fn time(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: usize, actor: &str) -> Entry {
        Entry {
            sequence,
            at_ms: 1.0,
            actor: actor.to_owned(),
            traffic: Traffic::Connected,
        }
    }

    fn evidence(entry: &Entry) -> Evidence {
        Evidence {
            entry: entry.clone(),
            pointer: None,
        }
    }

    fn shape(diagram: &Diagram) -> Vec<String> {
        let rows = diagram.rows.iter();
        rows.map(|row| match (row.gap, row.marked) {
            (0, true) => format!("*{}", row.sequence),
            (0, false) => row.sequence.to_string(),
            (gap, _) => format!("({gap})"),
        })
        .collect()
    }

    #[test]
    fn what_lies_far_from_the_evidence_is_left_out_and_counted() {
        let transcript: Vec<Entry> = (0..40).map(|at| entry(at, "a")).collect();
        let diagram = draw(
            &transcript,
            &[evidence(&transcript[10]), evidence(&transcript[30])],
        )
        .unwrap();
        let expected = "(7) 7 8 9 *10 11 12 13 (13) 27 28 29 *30 31 32 33 (6)";
        assert_eq!(shape(&diagram).join(" "), expected);
    }

    #[test]
    fn without_a_transcript_the_evidence_stands_alone() {
        let shown = [evidence(&entry(4, "a")), evidence(&entry(9, "b"))];
        let diagram = draw(&[], &shown).unwrap();
        assert_eq!(shape(&diagram), ["*4", "*9"]);
        let lanes: Vec<&str> = diagram.lanes.iter().map(|lane| lane.name.as_str()).collect();
        assert_eq!(lanes, ["hub", "a", "b"]);
        assert!(draw(&[entry(0, "a")], &[]).is_none());
    }

    #[test]
    fn more_subscribers_than_lanes_keep_those_of_the_evidence() {
        let transcript: Vec<Entry> = (0..12).map(|at| entry(at, &format!("s{at}"))).collect();
        let diagram = draw(&transcript, &[evidence(&transcript[11])]).unwrap();
        assert_eq!(diagram.lanes.len(), LANES + 1);
        assert_eq!(shape(&diagram).last().map(String::as_str), Some("*11"));
    }
}
