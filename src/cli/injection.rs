//! The flags that say whether and how softstop-init is brought into pods.

use clap::ValueEnum;
use softstop_core::{Capabilities, Delivery, Injection};

/// How softstop-init comes into pods.
#[derive(Clone, Debug, clap::Args)]
#[allow(clippy::struct_field_names, reason = "they are the flags")]
#[command(next_help_heading = "Bringing softstop-init into pods")]
pub(super) struct InjectionArgs {
    /// Image that holds /softstop-init; without it nothing is injected into any pod
    #[arg(long, value_name = "IMAGE", env = "SOFTSTOP_INIT_IMAGE", value_parser = image)]
    init_image: Option<String>,

    /// How it gets into a pod
    #[arg(long, value_enum, default_value_t = DeliveryArg::Emptydir, requires = "init_image")]
    init_delivery: DeliveryArg,

    /// CPU that the init container requests and is limited to
    #[arg(long, value_name = "QUANTITY", default_value = "10m", requires = "init_image", value_parser = quantity)]
    init_cpu: String,

    /// Memory that the init container requests and is limited to
    #[arg(long, value_name = "QUANTITY", default_value = "16Mi", requires = "init_image", value_parser = quantity)]
    init_memory: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DeliveryArg {
    /// An init container copies it into an emptyDir
    Emptydir,
    /// An image volume (Kubernetes 1.36, containerd 2.1 or CRI-O 1.31 on every node)
    ImageVolume,
}

impl InjectionArgs {
    /// What the engine is told.
    pub(super) fn capabilities(self) -> Capabilities {
        let Self {
            init_image,
            init_delivery,
            init_cpu,
            init_memory,
        } = self;
        let delivery = match init_delivery {
            DeliveryArg::Emptydir => Delivery::EmptyDir,
            DeliveryArg::ImageVolume => Delivery::ImageVolume,
        };
        Capabilities {
            injection: init_image.map(|image| Injection {
                image,
                delivery,
                cpu: init_cpu,
                memory: init_memory,
            }),
        }
    }
}

fn image(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
    if good {
        Ok(text.to_owned())
    } else {
        Err("an image reference such as registry.example/softstop:1.0".into())
    }
}

/// The simple forms of a Kubernetes quantity: a positive number, possibly with a fraction and one suffix.
fn quantity(text: &str) -> Result<String, String> {
    const SUFFIXES: [&str; 14] = [
        "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "",
    ];
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - digits.len()];
    match number.parse::<f64>() {
        Ok(value) if value > 0.0 && SUFFIXES.contains(&digits) => Ok(text.to_owned()),
        _ => Err("a quantity above zero, such as 10m, 0.1 or 16Mi".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        for text in ["10m", "0.1", "1", "16Mi", "1e", "64M"] {
            assert_eq!(quantity(text).is_ok(), text != "1e", "{text}");
        }
        for text in ["", "0", "m", "-1", "10x", "1.2.3", "10 m", "0Mi"] {
            assert!(quantity(text).is_err(), "{text:?}");
        }
    }
}
