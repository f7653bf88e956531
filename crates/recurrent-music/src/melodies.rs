//! Well-known melodies, all in the public domain.

use crate::abc::parse_abc;
use crate::{Key, Meter, MusicError, Piece, Result};

/// A melody that everybody knows, to hear at once whether a program plays what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Melody {
    /// The name on a command line, such as `ode-to-joy`.
    pub name: &'static str,
    /// The title.
    pub title: &'static str,
    /// Who wrote it, or where it comes from.
    pub source: &'static str,
    /// The year in which it was written or first noted down, as far as it is known.
    pub year: u16,
    /// The tune in ABC notation, without the fields X and T.
    abc: &'static str,
}

const MELODIES: [Melody; 8] = [
    Melody {
        name: "ode-to-joy",
        title: "Ode to Joy",
        source: "Ludwig van Beethoven, Symphony No. 9",
        year: 1824,
        abc: "M:4/4\nL:1/4\nQ:1/4=132\nK:D\n\
            FFGA|AGFE|DDEF|F3/2E/2E2|FFGA|AGFE|DDEF|E3/2D/2D2|\n\
            EEFD|EF/2G/2FD|EF/2G/2FE|DEA,F-|FFGA|AGFE|DDEF|E3/2D/2D2|]",
    },
    Melody {
        name: "frere-jacques",
        title: "Frère Jacques",
        source: "French round",
        year: 1780,
        abc: "M:4/4\nL:1/4\nQ:1/4=112\nK:F\n\
            FGAF|FGAF|ABc2|ABc2|c/2d/2c/2B/2AF|c/2d/2c/2B/2AF|FCF2|FCF2|]",
    },
    Melody {
        name: "twinkle",
        title: "Twinkle, Twinkle, Little Star",
        source: "French song Ah! vous dirai-je, maman",
        year: 1761,
        abc: "M:4/4\nL:1/4\nQ:1/4=108\nK:C\n\
            CCGG|AAG2|FFEE|DDC2|GGFF|EED2|GGFF|EED2|CCGG|AAG2|FFEE|DDC2|]",
    },
    Melody {
        name: "greensleeves",
        title: "Greensleeves",
        source: "English song",
        year: 1580,
        abc: "M:6/8\nL:1/8\nQ:3/8=60\nK:Am\n\
            A|c2d e>fe|d2B G>AB|c2A A>^GA|B2^G E2A|c2d e>fe|d2B G>AB|c>BA ^G>^F^G|A3 A3|\n\
            g3 g>fe|d2B G>AB|c2A A>^GA|B2^G E3|g3 g>fe|d2B G>AB|c>BA ^G>^F^G|A3 A2|]",
    },
    Melody {
        name: "minuet-in-g",
        title: "Minuet in G",
        source: "Christian Petzold, in the Notebook for Anna Magdalena Bach",
        year: 1725,
        abc: "M:3/4\nL:1/8\nQ:1/4=120\nK:G\n\
            |:d2 GABc|d2 G2 G2|e2 cdef|g2 G2 G2|c2 dcBA|B2 cBAG|F2 GABG|A6|\n\
            d2 GABc|d2 G2 G2|e2 cdef|g2 G2 G2|c2 dcBA|B2 cBAG|A2 BAGF|G6:|\n\
            |:b2 gabg|a2 defd|g2 efgd|^c2 BcA2|AB^cdef|g2 f2 e2|f2 A2 ^c2|d6|\n\
            d2 GFG2|e2 GFG2|d2 c2 B2|AGFGA2|DEFGAB|c2 B2 A2|BdG2F2|G6:|",
    },
    Melody {
        name: "beryoza",
        title: "Во поле берёза стояла",
        source: "Russian song",
        year: 1790,
        abc: "M:2/4\nL:1/8\nQ:1/4=92\nK:Dm\n\
            AAAA|G2FF|E2D2|AAcA|GGFF|E2D2|E3F|G2FF|E2D2|E3F|G2FF|E2D2|]",
    },
    Melody {
        name: "silent-night",
        title: "Silent Night",
        source: "Franz Xaver Gruber",
        year: 1818,
        abc: "M:6/8\nL:1/8\nQ:3/8=44\nK:C\n\
            G>AG E3|G>AG E3|d2d B3|c2c G3|A2A c>BA|G>AG E3|A2A c>BA|G>AG E3|\n\
            d2d f>dB|c3 e3|c>GE G>FD|C6|]",
    },
    Melody {
        name: "amazing-grace",
        title: "Amazing Grace",
        source: "American hymn tune New Britain",
        year: 1829,
        abc: "M:3/4\nL:1/4\nQ:1/4=84\nK:G\n\
            D|G2B/2G/2|B2A|G2E|D2D|G2B/2G/2|B2A|d3-|d2B|\n\
            d3/2B/2d/2B/2|G2D|E3/2G/2G/2E/2|D2D|G2B/2G/2|B2A|G3-|G2|]",
    },
];

impl Melody {
    /// All melodies.
    pub fn all() -> &'static [Self] {
        &MELODIES
    }

    /// The melody of a name.
    ///
    /// # Errors
    /// If there is none; the message lists the names.
    pub fn find(name: &str) -> Result<Self> {
        let found = MELODIES.iter().find(|melody| melody.name == name).copied();
        let names = || MELODIES.map(|melody| melody.name).join(", ");
        found.ok_or_else(|| MusicError::unknown("melody", format!("one of {}", names()), name))
    }

    /// The notes, with meter, tempo and key. Repeats are played out.
    pub fn piece(&self) -> Piece {
        let text = format!("X:1\nT:{}\n{}", self.title, self.abc);
        let pieces = parse_abc(self.name, &text);
        pieces.ok().and_then(|mut pieces| pieces.pop()).expect("the text is constant, and a test reads each of them")
    }

    /// The key.
    pub fn key(&self) -> Key {
        self.piece().keys.first().map(|key| key.1).expect("the text is constant, and a test finds its key")
    }

    /// The meter.
    pub fn meter(&self) -> Meter {
        self.piece().meter()
    }

    /// The tempo, in quarter notes a minute.
    pub fn tempo(&self) -> f64 {
        self.piece().tempo()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pitches and, in sixteenths, the durations of a melody from its beginning.
    fn beginning(name: &str, count: usize) -> (String, Vec<u32>) {
        let piece = Melody::find(name).unwrap().piece();
        let notes = &piece.notes[..count];
        let pitches: Vec<_> = notes.iter().map(|note| note.pitch.to_string()).collect();
        (pitches.join(" "), notes.iter().map(|note| note.duration * 4 / 20_160).collect())
    }

    #[test]
    fn every_melody_is_complete() {
        for melody in Melody::all() {
            let piece = melody.piece();
            assert_eq!(piece.name, melody.title);
            assert_eq!((piece.keys.len(), piece.meters.len(), piece.tempos.len()), (1, 1, 1), "{}", melody.name);
            assert!(piece.notes.len() >= 30, "{}", melody.name);
            // The second part of the minuet goes to D major.
            let is_in_key = |note: &crate::Note| melody.key().contains(note.pitch) || melody.name == "minuet-in-g";
            assert!(piece.notes.iter().all(is_in_key), "{}", melody.name);
        }
    }

    #[test]
    fn bars_have_the_length_of_their_meter() {
        for melody in Melody::all() {
            let bar = melody.meter().bar(20_160);
            let header = melody.abc.split_inclusive('\n').take(4).collect::<String>();
            let music = melody.abc[header.len()..].replace(['\n', ':', ']'], "");
            let bars: Vec<&str> = music.split('|').filter(|bar| !bar.is_empty()).collect();
            let length = |notes: &&str| {
                let text = format!("X:1\n{header}{}", notes.trim_end_matches('-'));
                parse_abc(melody.name, &text).unwrap()[0].end()
            };
            let mut lengths: Vec<u32> = bars.iter().map(length).collect();
            if lengths[0] < bar {
                let upbeat = lengths.remove(0);
                *lengths.last_mut().unwrap() += upbeat;
            }
            assert!(lengths.iter().all(|length| *length == bar), "{}: {lengths:?} of {bar}", melody.name);
        }
    }

    #[test]
    fn melodies_have_one_voice_without_gaps() {
        for melody in Melody::all() {
            let notes = melody.piece().notes;
            assert!(notes.windows(2).all(|pair| pair[0].end() == pair[1].start), "{}", melody.name);
        }
    }

    #[test]
    fn melodies_begin_as_everybody_knows_them() {
        let joy = ("F#4 F#4 G4 A4 A4 G4 F#4 E4".into(), vec![4; 8]);
        assert_eq!(beginning("ode-to-joy", 8), joy);
        assert_eq!(beginning("twinkle", 7), ("C4 C4 G4 G4 A4 A4 G4".into(), vec![4, 4, 4, 4, 4, 4, 8]));
        assert_eq!(beginning("greensleeves", 6), ("A4 C5 D5 E5 F5 E5".into(), vec![2, 4, 2, 3, 1, 2]));
        assert_eq!(beginning("silent-night", 4), ("G4 A4 G4 E4".into(), vec![3, 1, 2, 6]));
        assert_eq!(beginning("amazing-grace", 5), ("D4 G4 B4 G4 B4".into(), vec![4, 8, 2, 2, 8]));
        assert_eq!(beginning("minuet-in-g", 6), ("D5 G4 A4 B4 C5 D5".into(), vec![4, 2, 2, 2, 2, 4]));
        assert_eq!(beginning("beryoza", 9), ("A4 A4 A4 A4 G4 F4 F4 E4 D4".into(), vec![2, 2, 2, 2, 4, 2, 2, 4, 4]));
        assert_eq!(beginning("frere-jacques", 7), ("F4 G4 A4 F4 F4 G4 A4".into(), vec![4; 7]));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Melody::find("yesterday").unwrap_err().to_string();
        let expected = "melody: expected one of ode-to-joy, frere-jacques, twinkle, greensleeves, minuet-in-g, beryoza, \
                        silent-night, amazing-grace, found `yesterday`";
        assert_eq!(error, expected);
    }
}
