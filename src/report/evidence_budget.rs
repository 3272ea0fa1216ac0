//! How much evidence a report holds: whatever a hub sends, it can be opened and read.

use castspec_judging::outcome::{Check, Entry, Traffic};

/// Bodies in evidence are kept up to this length, in bytes.
const LONGEST_BODY: usize = 64 * 1024;
/// Once so many bytes of evidence are kept, further bodies are kept up to [`SHORT_BODY`].
const MUCH_EVIDENCE: usize = 16 * 1024 * 1024;
const SHORT_BODY: usize = 2 * 1024;
/// Once so many bytes are kept, further bodies are kept up to a line.
const MOST_EVIDENCE: usize = 32 * 1024 * 1024;
const LINE: usize = 200;
/// No scenario has so many entries where nobody floods, or so many of so many bytes in all. Of a longer one the two ends are
/// kept, with short bodies.
const LONGEST_TRANSCRIPT: usize = 1_000;
const MANY_ENTRIES: usize = 200;
const MANY_BYTES: usize = 1024 * 1024;
const FIRST_ENTRIES: usize = 50;
const LAST_ENTRIES: usize = 10;

/// The evidence that is kept so far.
#[derive(Debug, Default)]
pub(super) struct EvidenceBudget {
    bytes: usize,
}

impl EvidenceBudget {
    /// Cuts the evidence of a check to what the report can hold.
    pub(super) fn take_check(&mut self, check: &mut Check) {
        for evidence in &mut check.evidence {
            self.take(&mut evidence.entry);
        }
    }

    /// Cuts a transcript to what the report can hold.
    pub(super) fn take_transcript(&mut self, mut transcript: Vec<Entry>) -> Vec<Entry> {
        if is_of_a_flood(&transcript) {
            leave_out_the_middle(&mut transcript);
            for entry in &mut transcript {
                entry.traffic.shorten(SHORT_BODY);
            }
        }
        transcript.iter_mut().for_each(|entry| self.take(entry));
        transcript
    }

    fn take(&mut self, entry: &mut Entry) {
        let limit = match self.bytes {
            0..MUCH_EVIDENCE => LONGEST_BODY,
            MUCH_EVIDENCE..MOST_EVIDENCE => SHORT_BODY,
            MOST_EVIDENCE.. => LINE,
        };
        self.bytes = self.bytes.saturating_add(entry.traffic.shorten(limit));
    }
}

fn is_of_a_flood(transcript: &[Entry]) -> bool {
    let bytes = || {
        transcript
            .iter()
            .map(|entry| entry.traffic.length())
            .sum::<usize>()
    };
    transcript.len() > LONGEST_TRANSCRIPT || (transcript.len() > MANY_ENTRIES && bytes() > MANY_BYTES)
}

/// Leaves out the middle of a transcript, and tells so.
fn leave_out_the_middle(transcript: &mut Vec<Entry>) {
    let left_out = transcript.len().saturating_sub(FIRST_ENTRIES + LAST_ENTRIES);
    if left_out < 2 {
        return;
    }
    if let Some(entry) = transcript.get_mut(FIRST_ENTRIES) {
        entry.traffic = Traffic::Note {
            text: format!("{left_out} messages are left out here"),
        };
    }
    transcript.drain(FIRST_ENTRIES + 1..FIRST_ENTRIES + left_out);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn transcript(length: usize) -> Vec<Entry> {
        let entry = |sequence| Entry::new(sequence, Duration::ZERO, "viewer", Traffic::Connected);
        (0..length).map(entry).collect()
    }

    fn frame(sequence: usize, length: usize) -> Entry {
        let text = "x".repeat(length);
        Entry::new(
            sequence,
            Duration::ZERO,
            "viewer",
            Traffic::FrameReceived { text, binary: false },
        )
    }

    fn length(entry: &Entry) -> usize {
        match &entry.traffic {
            Traffic::FrameReceived { text, .. } => text.len(),
            _ => 0,
        }
    }

    #[test]
    fn a_very_long_transcript_keeps_its_beginning_and_its_end() {
        let long = EvidenceBudget::default().take_transcript(transcript(5_000));
        assert_eq!(long.len(), 61);
        let sequences = [49, 51, 60].map(|position: usize| long[position].sequence);
        assert_eq!(sequences, [49, 4_990, 4_999]);
        let Traffic::Note { text } = &long[50].traffic else {
            panic!("what is left out is told");
        };
        assert_eq!(text, "4940 messages are left out here");
    }

    #[test]
    fn of_many_long_messages_the_ends_are_kept_and_cut() {
        let long = (0..300).map(|sequence| frame(sequence, 1 << 12)).collect();
        let kept = EvidenceBudget::default().take_transcript(long);
        assert_eq!(kept.len(), 61);
        assert!(kept.iter().all(|entry| length(entry) < SHORT_BODY + 50));
        let few = (0..150).map(|sequence| frame(sequence, 1 << 14)).collect();
        let kept = EvidenceBudget::default().take_transcript(few);
        assert!(kept.len() == 150 && kept.iter().all(|entry| length(entry) == 1 << 14));
    }

    #[test]
    fn a_transcript_of_usual_length_stays_whole() {
        for length in [0, 1, 61, 1_000] {
            let whole = EvidenceBudget::default().take_transcript(transcript(length));
            assert_eq!(whole, transcript(length));
        }
    }

    #[test]
    fn much_evidence_is_cut_ever_shorter() {
        let mut budget = EvidenceBudget::default();
        let first = budget.take_transcript(vec![frame(0, LONGEST_BODY)]);
        assert_eq!(length(&first[0]), LONGEST_BODY);
        while budget.bytes < MUCH_EVIDENCE {
            budget.take_transcript(vec![frame(0, 1 << 20)]);
        }
        let later = budget.take_transcript(vec![frame(0, SHORT_BODY), frame(1, SHORT_BODY + 1)]);
        let Traffic::FrameReceived { text, .. } = &later[1].traffic else {
            panic!("it stays a frame");
        };
        assert_eq!(length(&later[0]), SHORT_BODY);
        assert!(text.ends_with("… (the first 2048 of 2049 bytes)"), "{text}");
        while budget.bytes < MOST_EVIDENCE {
            budget.take_transcript((0..200).map(|sequence| frame(sequence, 1 << 12)).collect());
        }
        let last = budget.take_transcript((0..200).map(|sequence| frame(sequence, 1 << 12)).collect());
        assert_eq!(last.len(), 200);
        assert!(last.iter().all(|entry| length(entry) < LINE + 50));
    }
}
