"""What a file is that is none of the formats taken: an image of another format, a drawing, a video, a page, an archive.

By its own bytes alone. The name is for whoever reads why a URL gave no image, so what is often met instead of one is
told apart, and what is rare and alike is not. Which formats are taken, `magic` says.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from app.fetching.markup import kind_of_text, text_of

STRUCTURE_BYTES = 8 * 1024
"""How much of a file has to look as its kind says: blanks without end are looked through many times."""
SNIFFED_BYTES = 64 * 1024
"""How far into a file a drawing's or page's first element is sought: comments and licenses may come before it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A file's kind. Images and drawings bear their format's name, all else a noun with its article: `a font`."""

    name: str
    is_image: bool


_IMAGES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"8BPS", "Photoshop"),
    (0, b"%!PS", "PostScript"),
    (0, b"\x04%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"DDS ", "DirectDraw surface"),
    (0, b"qoif", "QOI"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"\xd7\xcd\xc6\x9a", "Windows metafile"),
    (0, b"\x01\x00\x09\x00\x00\x03", "Windows metafile"),
    (40, b" EMF", "Windows metafile"),
    (0, b"icns", "icon"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"FLIF", "FLIF"),
    (0, b"farbfeld", "farbfeld"),
    (0, b"SIMPLE  =", "FITS"),
    (128, b"DICM", "DICOM"),
    (0, b"\x59\xa6\x6a\x95", "Sun raster"),
    (0, b"\xb1\x68\xde\x3a", "PCX"),
    (0, b"BLP1", "BLP texture"),
    (0, b"BLP2", "BLP texture"),
    (0, b"FTEX", "FTEX texture"),
    (0, b"\xabKTX ", "KTX texture"),
    (0, b"DanM", "Microsoft Paint"),
    (0, b"LinS", "Microsoft Paint"),
    (0, b"\x80\xe8\x00\x00", "Pixar"),
    (4, b"\x11\xaf", "FLI animation"),
    (4, b"\x12\xaf", "FLI animation"),
    (0, b"II*\x00\x10\x00\x00\x00CR", "camera raw"),
    (0, b"II\x1a\x00\x00\x00HEAPCCDR", "camera raw"),
    (0, b"IIU\x00", "camera raw"),
    (0, b"IIRO", "camera raw"),
    (0, b"IIRS", "camera raw"),
    (0, b"MMOR", "camera raw"),
    (0, b"FUJIFILMCCD-RAW", "camera raw"),
    (0, b"\x00MRM", "camera raw"),
    (0, b"FOVb", "camera raw"),
    (0, b"/* XPM */", "XPM"),
    (0, b"!\x20XPM2", "XPM"),
)
"""Offset, bytes there, name."""
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "a WebM or Matroska video"),
    (0, b"OggS", "an Ogg sound or video"),
    (0, b"FLV\x01", "a Flash video"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"\x00\x00\x01\xb3", "an MPEG video"),
    (0, b"\x00\x00\x00\x01\x67", "an H.264 video"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"CWS", "a Flash film"),
    (0, b"FWS", "a Flash film"),
    (0, b"#EXTM3U", "an M3U playlist"),
    (0, b"ID3", "an MP3 sound"),
    (0, b"\xff\xfb", "an MP3 sound"),
    (0, b"\xff\xf3", "an MP3 sound"),
    (0, b"\xff\xf2", "an MP3 sound"),
    (0, b"\xff\xf1", "an AAC sound"),
    (0, b"\xff\xf9", "an AAC sound"),
    (0, b"fLaC", "a FLAC sound"),
    (0, b"MThd", "a MIDI file"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
    (0, b"OTTO\x00", "a font"),
    (0, b"\x00\x01\x00\x00\x00", "a font"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90\x00", "a program"),
    (0, b"SQLite format 3\x00", "a database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"version https://git-lfs.github.com/", "a Git LFS pointer"),
)
_IN_RIFF = {
    b"AVI ": Kind("an AVI video", is_image=False),
    b"WAVE": Kind("a WAV sound", is_image=False),
    b"ACON": Kind("cursor", is_image=True),
}
_IN_IFF = {b"AIFF": "an AIFF sound", b"AIFC": "an AIFF sound", b"8SVX": "an IFF sound"}
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset({b"mif1", b"mif2", b"mif3", b"msf1", b"avci", b"avcs", b"vvic", b"jpeg", b"jpgs", b"j2ki"})
_BY_BRAND = (
    (b"crx ", Kind("camera raw", is_image=True)),
    (b"qt  ", Kind("a QuickTime video", is_image=False)),
    (b"M4A", Kind("an MPEG-4 sound", is_image=False)),
    (b"M4B", Kind("an MPEG-4 sound", is_image=False)),
    (b"3g", Kind("a 3GPP video", is_image=False)),
)
"""What a major brand begins with; all other ISO media are MP4."""
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
_BY_STRUCTURE = tuple(
    (re.compile(pattern, re.DOTALL), Kind(name, is_image=True))
    for pattern, name in (
        (rb"\x00\x00\x01\x00(?!\x00\x00)..", "icon"),
        (rb"\x00\x00\x02\x00(?!\x00\x00)..", "cursor"),  # Targa has zeros there
        (rb"P[1-6]\s+(#|\d)|P7\n|P7 332|P[Ff]\n", "Netpbm"),
        (rb".{0,2048}?#define\s+\w{0,99}width\s+\d+\s+#define\s+\w{0,99}height\s", "XBM"),
        (rb"\x0a[\x00\x02-\x05][\x00\x01][\x01\x02\x04\x08]", "PCX"),
        (rb"\x01\xda[\x00\x01][\x01\x02]", "SGI"),
        (rb"\x28\x00\x00\x00.{8}\x01\x00", "headless bitmap"),
        (rb".{0,1023}?%PDF-", "PDF"),  # readers of PDF take files whose header comes this late
    )
)
"""Images whose mark is short, so that more of the header has to be as it must."""
UNKNOWN = Kind("unknown bytes", is_image=False)


def kind_of(data: bytes) -> Kind:
    """What the file is, for all bytes that are none of the formats taken."""
    for table, is_image in ((_IMAGES, True), (_OTHERS, False)):
        for at, mark, name in table:
            if data.startswith(mark, at):
                return Kind(name, is_image=is_image)
    return _boxed(data) or _compressed(data) or _by_structure(data) or _written(data) or _targa(data) or UNKNOWN


def _boxed(data: bytes) -> Kind | None:
    """Files that are containers: RIFF, IFF, ISO media, QuickTime, MPEG transport streams."""
    if data.startswith(b"RIFF"):
        return _IN_RIFF.get(data[8:12])
    if data.startswith(b"FORM"):
        sound = _IN_IFF.get(data[8:12])
        return Kind(sound or "IFF", is_image=sound is None)
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    if data[4:8] in _QUICKTIME_ATOMS:
        return Kind("a QuickTime video", is_image=False)
    if any(data[at::step][:3] == b"GGG" for at, step in ((0, 188), (4, 192))):
        return Kind("an MPEG transport stream", is_image=False)
    return None


def brands_of(data: bytes) -> list[bytes]:
    """What an ISO media file says that it is: the major brand, then those that it is compatible with."""
    size = min(struct.unpack_from(">I", data)[0], 1024, len(data))
    return [data[at : at + 4] for at in (8, *range(16, size - 3, 4))]


def _iso_media(data: bytes) -> Kind:
    brands = brands_of(data)
    if _HEIC_BRANDS.intersection(brands):
        return Kind("HEIC", is_image=True)
    if _HEIF_BRANDS.intersection(brands):
        return Kind("HEIF", is_image=True)
    known = (kind for start, kind in _BY_BRAND if brands[0].startswith(start))
    return next(known, Kind("an MP4 video", is_image=False))


def _compressed(data: bytes) -> Kind | None:
    """A gzip file; SVG is often served as one."""
    if not data.startswith(b"\x1f\x8b"):
        return None
    try:
        inside = zlib.decompressobj(wbits=31).decompress(data, SNIFFED_BYTES)
    except zlib.error:
        inside = b""
    found = _written(inside)
    return found if found is not None and found.is_image else Kind("a gzip archive", is_image=False)


def _by_structure(data: bytes) -> Kind | None:
    return next((kind for pattern, kind in _BY_STRUCTURE if pattern.match(data, 0, STRUCTURE_BYTES)), None)


def _written(data: bytes) -> Kind | None:
    """Text and markup."""
    head = data[:SNIFFED_BYTES]
    text = text_of(head)
    if text is not None:
        name = kind_of_text(text)
        return Kind(name, is_image=name == "SVG")
    if re.search(rb"<!doctype html|<html", head[:4096], re.IGNORECASE):
        return Kind("HTML", is_image=False)
    return None


def _targa(data: bytes) -> Kind | None:
    """Targa has no mark at its begin; its later version has one at its end."""
    found = Kind("Targa", is_image=True)
    if data.endswith(b"TRUEVISION-XFILE.\x00"):
        return found
    if len(data) < 19:
        return None
    _, has_map, kind, first, length, map_bits, _, _, width, height, bits, flags = struct.unpack_from("<3B2HB4H2B", data)
    colors = has_map == 1 and length > 0 and map_bits in (15, 16, 24, 32)
    no_colors = (has_map, first, length) == (0, 0, 0)
    if kind not in (1, 2, 3, 9, 10, 11) or not (colors if kind in (1, 9) else colors or no_colors):
        return None
    return found if width and height and bits in (8, 15, 16, 24, 32) and flags & 0xC0 == 0 else None
