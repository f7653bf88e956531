//! The sound of a microphone, by the feature `microphone`.

#[cfg(feature = "microphone")]
pub use recorded::Microphone;
#[cfg(not(feature = "microphone"))]
pub use unavailable::Microphone;

#[cfg(not(feature = "microphone"))]
mod unavailable {
    use std::convert::Infallible;
    use std::sync::mpsc::Receiver;

    use anyhow::Result;

    use crate::error::BadInput;
    use crate::listen::Sound;

    /// There is none.
    pub enum Microphone {}

    impl Microphone {
        /// Refuses: this program cannot record.
        pub fn open(_name: Option<&str>) -> Result<Self> {
            let how = "build with --features microphone (on Linux with the headers of ALSA, libasound2-dev)";
            Err(BadInput(format!("--microphone: it is not compiled in, {how}")).into())
        }

        pub fn record(&self) -> Result<(Receiver<Result<Sound>>, Infallible)> {
            match *self {}
        }
    }
}

#[cfg(feature = "microphone")]
mod recorded {
    use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

    use anyhow::{Result, anyhow};
    use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
    use cpal::{Device, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, Stream, SupportedStreamConfig};

    use crate::error::BadInput;
    use crate::listen::Sound;
    use crate::output::note;

    /// Chunks that wait to be recognized. A device gives about a hundred in a second.
    const MAX_WAITING: usize = 2_000;

    /// A device that records.
    pub struct Microphone(Device);

    impl Microphone {
        /// The device with this name, or the default one.
        pub fn open(name: Option<&str>) -> Result<Self> {
            let host = cpal::default_host();
            let Some(name) = name else {
                let none = || BadInput("--microphone: expected a device that records, found none".into());
                return Ok(Self(host.default_input_device().ok_or_else(none)?));
            };
            let devices: Vec<(String, Device)> = host
                .input_devices()
                .map_err(failed("--input-device: the devices cannot be listed"))?
                .filter_map(|device| Some((device.description().ok()?.name().to_string(), device)))
                .collect();
            let known = devices.iter().map(|(known, _)| format!("`{known}`")).collect::<Vec<_>>().join(", ");
            let unknown = || {
                let expected =
                    if known.is_empty() { "a device that records, of which there is none" } else { "one of " };
                BadInput(format!("--input-device: expected {expected}{known}, found `{name}`"))
            };
            let device = devices.into_iter().find(|(known, _)| known == name).map(|(_, device)| device);
            Ok(Self(device.ok_or_else(unknown)?))
        }

        /// Records until the stream is dropped.
        pub fn record(&self) -> Result<(Receiver<Result<Sound>>, Stream)> {
            let config = self.0.default_input_config().map_err(failed("--microphone: the device tells no format"))?;
            let (sound, received) = sync_channel(MAX_WAITING);
            sound.send(Ok(Sound::SampleRate(config.sample_rate())))?;
            let stream = match config.sample_format() {
                SampleFormat::F32 => self.stream::<f32>(&config, sound),
                SampleFormat::I16 => self.stream::<i16>(&config, sound),
                SampleFormat::I32 => self.stream::<i32>(&config, sound),
                SampleFormat::U8 => self.stream::<u8>(&config, sound),
                SampleFormat::U16 => self.stream::<u16>(&config, sound),
                other => Err(anyhow!("--microphone: expected samples of 8, 16 or 32 bits, found {other}")),
            }?;
            stream.play().map_err(failed("--microphone: the device cannot start"))?;
            Ok((received, stream))
        }

        fn stream<T>(&self, config: &SupportedStreamConfig, sound: SyncSender<Result<Sound>>) -> Result<Stream>
        where
            T: SizedSample,
            f32: FromSample<T>,
        {
            let num_channels = usize::from(config.channels()).max(1);
            let errors = sound.clone();
            let mut is_late = false;
            let send = move |data: &[T], _: &_| {
                let samples = data.chunks_exact(num_channels).map(mixed).collect();
                let sent = sound.try_send(Ok(Sound::Samples(samples)));
                // A device does not wait; without a receiver, nobody needs the sound.
                if matches!(sent, Err(TrySendError::Full(_))) && !std::mem::replace(&mut is_late, true) {
                    note("warning: sound is lost, since recognition is slower than speech");
                }
            };
            let fail = move |error: cpal::Error| match error.kind() {
                ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {
                    note(format!("warning: --microphone: {error}"));
                }
                _ => {
                    let _ = errors.try_send(Err(anyhow!("--microphone: {error}")));
                }
            };
            let stream = self.0.build_input_stream(config.config(), send, fail, None);
            stream.map_err(failed("--microphone: the device cannot be opened"))
        }
    }

    /// An error of a device, with what failed.
    fn failed(what: &str) -> impl FnOnce(cpal::Error) -> anyhow::Error {
        move |cause| anyhow!("{what}: {cause}")
    }

    /// The mean of a frame's channels.
    fn mixed<T: Sample>(frame: &[T]) -> f32
    where
        f32: FromSample<T>,
    {
        frame.iter().map(|sample| f32::from_sample(*sample)).sum::<f32>() / frame.len() as f32
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn channels_are_mixed_to_one() {
            assert_eq!(mixed(&[0.5_f32, -0.25]), 0.125);
            assert_eq!(mixed(&[16_384_i16, 0]), 0.25);
            assert_eq!(mixed(&[128_u8]), 0.0);
        }

        #[test]
        fn a_device_without_this_name_is_refused() {
            let error = Microphone::open(Some("no such device")).err().expect("no device has this name").to_string();
            assert!(error.starts_with("--input-device: ") && error.ends_with("found `no such device`"), "{error}");
        }
    }
}
