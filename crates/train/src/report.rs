//! Reports as self-contained HTML files.
//!
//! A file has no scripts, external style sheets, fonts or links. It adapts to small screens, dark mode and print.
//!
//! A [`Report`] has [`Section`]s, and these have [`Block`]s; [`Report::to_html`] escapes all text. Numeric columns of tables
//! are detected and aligned on the right.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use recurrent_study::Language;

/// The whole page.
pub struct Report {
    pub language: Language,
    pub title: String,
    /// A summary. An empty line begins a new paragraph, here and in all other texts.
    pub lead: String,
    pub sections: Vec<Section>,
}

/// A section of the page, with an entry in the table of contents.
pub struct Section {
    pub title: String,
    pub lead: String,
    pub blocks: Vec<Block>,
}

/// A block of a section.
pub enum Block {
    Paragraph(String),
    /// Preformatted text.
    Verbatim(String),
    /// A table, whose rows can be shorter or longer than the head.
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// The text of an SVG file, which is inserted unescaped; see [`crate::plots`].
    Plot {
        caption: String,
        svg: String,
    },
    /// The bytes of a WAV file, which the page has in itself.
    Sound {
        caption: String,
        wav: Vec<u8>,
    },
}

impl Report {
    /// The HTML page.
    pub fn to_html(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang=(self.language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (plain(&self.title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { (plain(&self.title)) }
                        (paragraphs(&self.lead))
                    }
                    (self.contents())
                    main {
                        @for (number, section) in (1..).zip(&self.sections) {
                            (section.to_html(number))
                        }
                    }
                }
            }
        };
        page.into_string() + "\n"
    }

    fn contents(&self) -> Markup {
        let contents = match self.language {
            Language::English => "Contents",
            Language::Russian => "Содержание",
        };
        html! {
            @if !self.sections.is_empty() {
                nav aria-label=(contents) {
                    h2 { (contents) }
                    ol {
                        @for (number, section) in (1..).zip(&self.sections) {
                            li { a href={ "#" (anchor(number)) } { (plain(&section.title)) } }
                        }
                    }
                }
            }
        }
    }
}

impl Section {
    fn to_html(&self, number: usize) -> Markup {
        html! {
            section id=(anchor(number)) {
                h2 { (plain(&self.title)) }
                (paragraphs(&self.lead))
                @for block in &self.blocks {
                    (block.to_html())
                }
            }
        }
    }
}

impl Block {
    fn to_html(&self) -> Markup {
        match self {
            Block::Paragraph(text) => paragraphs(text),
            // Browsers ignore the first line break after the tag.
            Block::Verbatim(text) => html! { pre tabindex="0" { "\n" (plain(text.trim_matches('\n'))) } },
            Block::Table { head, rows } => table(head, rows),
            Block::Plot { caption, svg } => plot(caption, svg),
            Block::Sound { caption, wav } => sound(caption, wav),
        }
    }
}

/// The anchor of a section.
fn anchor(number: usize) -> String {
    format!("section-{number}")
}

fn paragraphs(text: &str) -> Markup {
    let text = plain(text);
    html! {
        @for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
            p { (paragraph) }
        }
    }
}

fn table(head: &[String], rows: &[Vec<String>]) -> Markup {
    let width = rows.iter().map(Vec::len).fold(head.len(), usize::max);
    let classes: Vec<_> = (0..width).map(|column| column_class(rows, column)).collect();
    let cells = |row: &[String]| -> Vec<_> {
        let text = |column| plain(row.get(column).map_or("", String::as_str));
        classes.iter().enumerate().map(|(column, class)| (*class, text(column))).collect()
    };
    html! {
        div.table tabindex="0" {
            table {
                @if !head.is_empty() {
                    thead {
                        tr { @for (class, text) in cells(head) { th scope="col" class=[class] { (text) } } }
                    }
                }
                tbody {
                    @for row in rows {
                        tr { @for (class, text) in cells(row) { td class=[class] { (text) } } }
                    }
                }
            }
        }
    }
}

fn sound(caption: &str, wav: &[u8]) -> Markup {
    let source = format!("data:audio/wav;base64,{}", BASE64_STANDARD.encode(wav));
    html! {
        figure {
            audio controls src=(source) {}
            figcaption { (plain(caption)) }
        }
    }
}

/// The CSS class of a column: numeric, or a column of sentences with a minimum width.
fn column_class(rows: &[Vec<String>], column: usize) -> Option<&'static str> {
    let is_sentence = |cell: &String| cell.chars().count() > MAX_SHORT_CELL;
    if is_numeric(rows, column) {
        return Some("number");
    }
    rows.iter().filter_map(|row| row.get(column)).any(is_sentence).then_some("sentence")
}

/// The maximum number of characters of a cell that is not a sentence.
const MAX_SHORT_CELL: usize = 50;

/// Whether a column has numbers, and otherwise only empty cells.
fn is_numeric(rows: &[Vec<String>], column: usize) -> bool {
    let mut cells = rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.trim().is_empty()).peekable();
    let is_number = |cell: &String| {
        let text = cell.replace('−', "-");
        let text = text.trim().trim_end_matches(['%', ' ', '\u{a0}']);
        ["–", "—", "-"].contains(&text) || text.replace([',', ' ', '\u{a0}'], "").parse::<f64>().is_ok()
    };
    cells.peek().is_some() && cells.all(is_number)
}

/// A plot, on a white background also in dark mode.
fn plot(caption: &str, svg: &str) -> Markup {
    let caption = plain(caption);
    let name = (!caption.is_empty()).then_some(&caption);
    html! {
        figure {
            // An XML declaration is not allowed within a page.
            @match svg.find("<svg") {
                Some(start) => div.plot role="img" aria-label=[name] tabindex="0" { (PreEscaped(&svg[start..])) },
                None => pre { (plain(svg)) },
            }
            @if !caption.is_empty() {
                figcaption { (caption) }
            }
        }
    }
}

/// `text` without ANSI colors and control characters other than tabs and line breaks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' && rest.next_if_eq(&'[').is_some() {
            // Parameters, and a final letter.
            rest.by_ref().find(|c| ('@'..='~').contains(c));
        } else if !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || matches!(c, '\n' | '\t') {
            plain.push(c);
        }
    }
    plain
}

/// The style sheet, with the system's fonts. Wide blocks scroll on their own.
const STYLE: &str = "
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1d1f21; --soft: #5c6166; --rule: #dcdfe2; --panel: #f5f6f7; --accent: #005f94;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181a; --ink: #e4e6e8; --soft: #a2a8ad; --rule: #383c40; --panel: #202326; --accent: #7cc4f0; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 64rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  overflow-wrap: break-word;
}
h1, h2 { line-height: 1.2; text-wrap: balance; }
h1 { margin: 0 0 1rem; font-size: 2rem; font-size: clamp(1.75rem, 1.3rem + 2vw, 2.5rem); letter-spacing: -0.01em; }
h2 { margin: 0 0 0.75rem; font-size: 1.4rem; }
p { margin: 0 0 1rem; max-width: 42rem; }
header p { font-size: 1.125rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
nav { margin: 2rem 0; padding: 1rem 1.25rem; background: var(--panel); border-radius: 0.5rem; }
nav h2 { margin: 0 0 0.25rem; font-size: 1rem; color: var(--soft); }
nav ol { margin: 0; padding-left: 1.5rem; }
nav li { padding: 0.15rem 0; }
section { margin-top: 3rem; padding-top: 2rem; border-top: 1px solid var(--rule); scroll-margin-top: 1rem; }
pre, .table, figure { margin: 0 0 1.5rem; }
pre {
  padding: 1rem 1.25rem; overflow-x: auto; background: var(--panel); border-radius: 0.5rem; tab-size: 4;
  font: 0.85rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.95rem; }
th, td { padding: 0.4rem 1.5rem 0.4rem 0; text-align: left; vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
th { border-bottom: 2px solid var(--rule); color: var(--soft); font-weight: 600; }
td { border-bottom: 1px solid var(--rule); }
td.sentence { min-width: 16rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.plot { overflow-x: auto; background: #fff; border: 1px solid var(--rule); border-radius: 0.5rem; }
.plot svg { display: block; margin: 0 auto; max-width: max(100%, 36rem); height: auto; }
figcaption { margin-top: 0.5rem; max-width: 42rem; color: var(--soft); font-size: 0.9rem; }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --panel: #f5f6f7; --accent: #000; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  section { margin-top: 1.5rem; padding-top: 1rem; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  thead { display: table-header-group; }
  pre { white-space: pre-wrap; overflow: visible; border: 1px solid var(--rule); }
  .table, .plot { overflow: visible; border: 0; }
  .plot svg { max-width: 100%; max-height: 22cm; }
}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots;

    fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(String::from).to_vec()
    }

    fn with(blocks: Vec<Block>) -> String {
        let section = Section { title: "Scores".into(), lead: String::new(), blocks };
        Report { language: Language::default(), title: "Report".into(), lead: String::new(), sections: vec![section] }
            .to_html()
    }

    /// One plot of each kind.
    fn all_plots() -> Vec<String> {
        let words = strings(["мир", "труд"]);
        let line = plots::Line { name: "actual", values: &[1.0, 2.0] };
        let intervals = [plots::Interval { name: "80 %", ends: &[(1.0, 3.0)] }];
        let fan = plots::Fan { history: &[1.0], median: &[2.0], intervals: &intervals, actual: &[] };
        let plots = [
            plots::loss_curves("loss", &[2.0, 1.0], &[2.0, 1.5], Some(2)),
            plots::time_series("rows", "°C", &words, &[line]),
            plots::fan_chart("fan", "°C", &words, &fan),
            plots::autocorrelation("residuals", &[0.5, 0.1], 9, &[2]),
            plots::attention("attention", &words, &words, &[vec![0.5, 0.5], vec![1.0, 0.0]]),
            plots::confusion("confusion", &words, &[vec![3, 1], vec![0, 5]]),
            plots::calibration("calibration", &[("GRU", &[(0.5, 0.5, 9)])]),
            plots::roc("roc", &[("GRU", &[(0.0, 0.0), (1.0, 1.0)], Some(0.5))]),
            plots::bar_chart("bars", "accuracy", &[("GRU", 0.9)]),
            plots::gates("gates", ["", "unit", "open"], &words, &[vec![0.5, 1.0]]),
            plots::line_chart("length", "T", "accuracy", &words, &[plots::Line { name: "GRU", values: &[0.5, 0.9] }]),
        ];
        plots.map(Result::unwrap).to_vec()
    }

    fn full_report() -> Report {
        let block = |svg| Block::Plot { caption: "A <caption> & more".into(), svg };
        let mut blocks: Vec<_> = all_plots().into_iter().map(block).collect();
        blocks.push(Block::Paragraph("One.\n\nTwo < three.".into()));
        blocks.push(Block::Verbatim("a\tb\n  c & d\n".into()));
        blocks.push(Block::Table { head: strings(["model", "MSE"]), rows: vec![strings(["GRU", "0.5"])] });
        let section = |title: &str, blocks| Section { title: title.into(), lead: "Lead.".into(), blocks };
        let sections = vec![section("Plots", blocks), section("Nothing", Vec::new())];
        Report { language: Language::default(), title: "Прогноз".into(), lead: "In short.".into(), sections }
    }

    #[test]
    fn a_report_is_well_formed_and_deterministic() {
        let html = full_report().to_html();
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"));
        assert!(plots::is_well_formed(&html));
        assert_eq!(html, full_report().to_html());
        assert!(plots::is_well_formed(
            &Report { language: Language::default(), title: String::new(), lead: String::new(), sections: Vec::new() }
                .to_html()
        ));
    }

    #[test]
    fn a_report_has_its_language() {
        let html = Report { language: Language::Russian, ..full_report() }.to_html();
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"ru\">") && html.contains("<h2>Содержание</h2>"));
        assert!(full_report().to_html().contains("<h2>Contents</h2>"));
    }

    #[test]
    fn a_report_has_no_external_references() {
        let html = full_report().to_html().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for external in ["http", "//", "<script", "<link", "url(", "@import", "src="] {
            assert!(!html.contains(external), "{external}");
        }
    }

    #[test]
    fn all_plots_are_embedded_without_ids() {
        let html = full_report().to_html();
        for svg in all_plots() {
            assert!(html.contains(&svg) && !svg.contains("id="));
        }
        assert_eq!(html.matches(" id=").count(), 2);
    }

    #[test]
    fn the_contents_link_to_all_sections() {
        let html = full_report().to_html();
        for (number, title) in [(1, "Plots"), (2, "Nothing")] {
            assert!(html.contains(&format!("<a href=\"#section-{number}\">{title}</a>")));
            assert!(html.contains(&format!("<section id=\"section-{number}\"><h2>{title}</h2>")));
        }
    }

    #[test]
    fn any_text_is_escaped() {
        let text = || "<script>alert(\"1\") & 'x'</script>\0".to_string();
        let blocks = vec![
            Block::Paragraph(text()),
            Block::Verbatim(text()),
            Block::Table { head: vec![text()], rows: vec![vec![text()]] },
            Block::Plot { caption: text(), svg: "<svg></svg>".into() },
            Block::Plot { caption: String::new(), svg: text() },
        ];
        let section = Section { title: text(), lead: text(), blocks };
        let html =
            Report { language: Language::default(), title: text(), lead: text(), sections: vec![section] }.to_html();
        assert!(plots::is_well_formed(&html));
        assert!(!html.contains("<script") && !html.contains('\0') && !html.contains("\"1\""));
        assert_eq!(html.matches("&lt;script&gt;alert(&quot;1&quot;) &amp; 'x'&lt;/script&gt;").count(), 13);
    }

    #[test]
    fn an_xml_declaration_is_removed() {
        let svg = "<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<svg><circle/></svg>\n";
        let html = with(vec![Block::Plot { caption: "c".into(), svg: svg.into() }]);
        assert!(html.contains("tabindex=\"0\"><svg><circle/></svg>") && !html.contains("<?xml"));
    }

    #[test]
    fn numeric_columns_are_aligned_on_the_right() {
        let rows = vec![strings(["GRU", "0.5", "−12.5 %", ""]), strings(["2", "", "1,024", ""])];
        let html = with(vec![Block::Table { head: strings(["model", "MSE", "change"]), rows }]);
        let head = ["<th scope=\"col\">model</th>", "<th scope=\"col\" class=\"number\">MSE</th>"].concat();
        assert!(html.contains(&head));
        assert_eq!(html.matches("<td class=\"number\">").count(), 4);
    }

    #[test]
    fn terminal_text_keeps_its_lines_and_loses_its_colors() {
        let html = with(vec![Block::Verbatim("\n  \u{1b}[1;32mloss\u{1b}[0m 0.5\r\n\tdone\u{7}\n\n".into())]);
        assert!(html.contains("<pre tabindex=\"0\">\n  loss 0.5\n\tdone</pre>"));
        assert_eq!(plain("\u{1b}[31"), "");
    }
}
