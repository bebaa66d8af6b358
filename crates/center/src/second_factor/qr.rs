//! A text as a picture that devices read: a QR code, as the path of an SVG.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// The light border that a reader needs, in modules.
const BORDER: usize = 4;

/// A picture of dark squares on a light ground, each one unit wide.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Width and height, with the border.
    pub side: usize,
    pub path: String,
}

/// The picture of a text; none where it is too long for one.
pub fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let colors = code.to_colors();
    let dark = colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark);
    let mut path = String::new();
    for (at, _) in dark {
        let _ = write!(path, "M{} {}h1v1h-1z", at % width + BORDER, at / width + BORDER);
    }
    Some(Picture { side: width + 2 * BORDER, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The squares of a path, as a reader sees them.
    fn read(picture: &Picture) -> Option<String> {
        let at = |part: &str| {
            let (x, y) = part.strip_suffix("h1v1h-1z")?.split_once(' ')?;
            Some((x.parse::<usize>().ok()?, y.parse::<usize>().ok()?))
        };
        let squares: Vec<_> =
            picture.path.split('M').skip(1).map(|part| at(part).expect("a square")).collect();
        // Eight pixels a square.
        let is_dark = |x: usize, y: usize| squares.contains(&(x / 8, y / 8));
        let side = picture.side * 8;
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(
                side,
                side,
                |x, y| {
                    if is_dark(x, y) { 0 } else { 255 }
                },
            );
        let grids = image.detect_grids();
        let (_, text) = grids.first()?.decode().ok()?;
        Some(text)
    }

    #[test]
    fn a_reader_reads_what_was_written() {
        let text =
            "otpauth://totp/%E9%92%B1%E5%A1%98:li?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=%E9%92%B1";
        let picture = picture(text).expect("it is short");
        assert_eq!(read(&picture).as_deref(), Some(text));
    }

    #[test]
    fn what_does_not_fit_is_no_picture() {
        assert!(picture(&"x".repeat(5000)).is_none());
    }
}
