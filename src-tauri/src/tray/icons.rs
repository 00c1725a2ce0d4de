//! The pictures for the panel, and which of them fits its colour.

use tauri::image::Image;

use super::model::Icon;
use crate::panel::Shade;

macro_rules! picture {
    ($name:literal, $shade:literal) => {
        include_bytes!(concat!(
            "../../../icons/tray-",
            $name,
            "-for-",
            $shade,
            "-44.png"
        ))
    };
}

/// The PNG of an icon on a panel of this shade.
fn bytes(icon: Icon, shade: Shade) -> &'static [u8] {
    let light = shade == Shade::Light;
    match (icon, light) {
        (Icon::Idle, false) => picture!("idle", "dark"),
        (Icon::Running, false) => picture!("running", "dark"),
        (Icon::Attention, false) => picture!("attention", "dark"),
        (Icon::Paused, false) => picture!("paused", "dark"),
        (Icon::Idle, true) => picture!("idle", "light"),
        (Icon::Running, true) => picture!("running", "light"),
        (Icon::Attention, true) => picture!("attention", "light"),
        (Icon::Paused, true) => picture!("paused", "light"),
    }
}

/// The picture itself.
///
/// # Errors
/// When the PNG in the program is damaged; a test reads each.
pub(super) fn image(icon: Icon, shade: Shade) -> tauri::Result<Image<'static>> {
    let mut image = Image::from_bytes(bytes(icon, shade))?;
    if shade == Shade::Unknown {
        image = outlined(&image);
    }
    Ok(image)
}

/// The light picture with a dark line around it, for a panel of unknown colour.
fn outlined(image: &Image<'_>) -> Image<'static> {
    const LINE: [u8; 4] = [0x26, 0x23, 0x2f, 0xc0];
    const REACH: i64 = 2;
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let rgba = image.rgba();
    let alpha = |x: i64, y: i64| {
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        let at = usize::try_from((y * width + x) * 4 + 3).unwrap_or(usize::MAX);
        if inside {
            rgba.get(at).copied().unwrap_or(0)
        } else {
            0
        }
    };
    let beside = |x: i64, y: i64| {
        (-REACH..=REACH).any(|dy| (-REACH..=REACH).any(|dx| alpha(x + dx, y + dy) > 127))
    };
    let mut drawn = Vec::with_capacity(rgba.len());
    for y in 0..height {
        for x in 0..width {
            let at = drawn.len();
            let pixel = rgba.get(at..at + 4).unwrap_or(&[0; 4]);
            let line = alpha(x, y) < 64 && beside(x, y);
            drawn.extend_from_slice(if line { &LINE } else { pixel });
        }
    }
    Image::new_owned(drawn, image.width(), image.height())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ICONS: [Icon; 4] = [Icon::Idle, Icon::Running, Icon::Attention, Icon::Paused];

    #[test]
    fn every_picture_can_be_read_and_differs_by_shape() {
        for shade in [Shade::Dark, Shade::Light, Shade::Unknown] {
            let mut shapes = HashSet::new();
            for icon in ICONS {
                let image = image(icon, shade).unwrap();
                assert_eq!((image.width(), image.height()), (44, 44));
                let shape: Vec<_> = image.rgba().chunks(4).map(|p| p[3] > 127).collect();
                assert!(shapes.insert(shape), "{icon:?} looks like another");
            }
        }
    }
}
