"""What an address gave instead of an image that is taken: its user reads what it was, by the name that it goes by."""

from __future__ import annotations

import codecs
import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.fetching.foreign import kind_of
from app.fetching.inspect import inspect
from app.fetching.magic import EXTENSIONS
from app.fetching.refusal import Refusal
from app.values import Issue, RefusalCode
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

MANY = 100_000_000
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
LICENSE = "<!-- " + "All rights reserved, and some more. " * 400 + "-->\n"
DOCTYPE = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [\n'
ENTITIES = '  <!ENTITY ns_svg "http://www.w3.org/2000/svg">\n]>\n'


def issue_of(data: bytes) -> Issue:
    with pytest.raises(Refusal) as caught:
        inspect(data, MANY)
    return caught.value.issue


def boxes(brand: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", len(body) + 4) + body + bytes(100)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cat.jpg", jpeg())
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("cat.jpg"))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        SVG.encode(),
        (PROLOG + SVG).encode(),
        (PROLOG + LICENSE + SVG).encode(),
        (PROLOG + DOCTYPE + ENTITIES + SVG).encode(),
        ("\n\n  " + LICENSE + LICENSE + SVG.replace("<svg", "<svg:svg")).encode(),
        codecs.BOM_UTF8 + (PROLOG + SVG).encode(),
        codecs.BOM_UTF16_LE + (PROLOG + SVG).encode("utf-16-le"),
        codecs.BOM_UTF16_BE + SVG.encode("utf-16-be"),
        (PROLOG + SVG).encode("utf-16-le"),
        SVG.encode("utf-16-be"),
        gzip.compress((PROLOG + LICENSE + SVG).encode(), mtime=0),
    ],
    ids=["plain", "prolog", "license before it", "entities", "prefix", "UTF-8 mark", "UTF-16 LE", "UTF-16 BE",
         "UTF-16 LE without a mark", "UTF-16 BE without a mark", "SVGZ"],
)  # fmt: skip
def test_a_drawing_is_called_svg_however_it_is_written(data: bytes) -> None:
    issue = issue_of(data)
    assert (issue.code, issue.measured) == (RefusalCode.UNSUPPORTED_FORMAT, "SVG")
    assert (issue.message, issue.limit) == ("SVG files are not taken.", ", ".join(EXTENSIONS))


@pytest.mark.parametrize(
    "text",
    [
        "<!doctype html><title>Sign in</title>",
        "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x'>\n<html></html>",
        PROLOG + '<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
        "<!-- cached -->\n<HTML><body>gone</body></HTML>",
        "<html><body>" + SVG + "</body></html>",
        "<br />\n<b>Warning</b>: mysqli_connect(): Too many connections in <b>/var/www/image.php</b>",
        "<script>location.href = '/'</script>",
        "\ufeff  <head><meta charset='utf-8'></head>",
        "Notice: undefined index\n<!DOCTYPE html><html></html>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_page_is_called_a_web_page(text: str, encoding: str) -> None:
    issue = issue_of(text.encode(encoding))
    assert (issue.code, issue.measured) == (RefusalCode.NOT_AN_IMAGE, "HTML")
    assert issue.message == "The file is a web page, not an image."


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (boxes(b"heic", b"mif1", b"heic"), "HEIC"),
        (boxes(b"mif1", b"mif1", b"heic"), "HEIC"),
        (boxes(b"mif1", b"miaf"), "HEIF"),
        (boxes(b"crx ", b"crx ", b"isom"), "camera raw"),
        (b"\xff\x0a" + bytes(60), "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(60), "JPEG XL"),
        (encoded(picture(), "JPEG2000"), "JPEG 2000"),
        (encoded(picture(), "JPEG2000", no_jp2=True), "JPEG 2000"),
        (encoded(picture(32, 32), "PDF"), "PDF"),
        (b"\r\n\r\n%PDF-1.4\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6\x1e\x00\x00\x00" + bytes(60), "PostScript"),
        (encoded(picture(32, 32), "ICO"), "icon"),
        (b"\x00\x00\x02\x00\x01\x00\x20\x20" + bytes(60), "cursor"),
        (b"8BPS\x00\x01" + bytes(60), "Photoshop"),
        (encoded(picture(), "TGA"), "Targa"),
        (encoded(picture(), "TGA", compression="tga_rle"), "Targa"),
        (encoded(picture().convert("P"), "TGA"), "Targa"),
        (encoded(picture(), "PPM"), "Netpbm"),
        (encoded(picture().convert("1"), "XBM"), "XBM"),
        (b'/* XPM */\nstatic char *cat[] = {"1 1 1 1", "a c red", "a"};', "XPM"),
        (encoded(picture(), "PCX"), "PCX"),
        (encoded(picture(), "SGI"), "SGI"),
        (encoded(picture(), "DDS"), "DirectDraw surface"),
        (encoded(picture(), "DIB"), "headless bitmap"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(60), "camera raw"),
        (b"II\xbc\x01" + bytes(60), "JPEG XR"),
        (b"RIFF\x40\x00\x00\x00ACONanih" + bytes(60), "cursor"),
    ],
)  # fmt: skip
def test_an_image_of_another_format_is_named_with_those_that_are_taken(data: bytes, name: str) -> None:
    issue = issue_of(data)
    assert (issue.code, issue.measured) == (RefusalCode.UNSUPPORTED_FORMAT, name)
    assert issue.message == f"{name[:1].upper()}{name[1:]} files are not taken."
    assert issue.limit == ", ".join(EXTENSIONS)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (boxes(b"isom", b"isom", b"mp42"), "an MP4 video"),
        (boxes(b"qt  ", b"qt  "), "a QuickTime video"),
        (b"\x00\x00\x20\x00moov\x00\x00\x00\x6cmvhd" + bytes(60), "a QuickTime video"),
        (boxes(b"M4A ", b"isom"), "an MPEG-4 sound"),
        (boxes(b"3gp4", b"isom"), "a 3GPP video"),
        (b"\x1a\x45\xdf\xa3" + bytes(60), "a WebM or Matroska video"),
        (b"RIFF\x40\x00\x00\x00AVI LIST" + bytes(60), "an AVI video"),
        (b"RIFF\x40\x00\x00\x00WAVEfmt " + bytes(60), "a WAV sound"),
        ((b"\x47\x40\x00\x10" + bytes(184)) * 4, "an MPEG transport stream"),
        (b"\x00\x00\x01\xba" + bytes(60), "an MPEG video"),
        (b"FLV\x01\x05" + bytes(60), "a Flash video"),
        (b"OggS\x00\x02" + bytes(60), "an Ogg sound or video"),
        (b"ID3\x04" + bytes(60), "an MP3 sound"),
        (b"\xff\xfb\x90\x64" + bytes(60), "an MP3 sound"),
        (b"fLaC" + bytes(60), "a FLAC sound"),
        (zipped(), "a ZIP archive"),
        (tarred(), "a tar archive"),
        (gzip.compress(jpeg(), mtime=0), "a gzip archive"),
        (gzip.compress(b"<html>", mtime=0)[:14], "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(60), "a RAR archive"),
        (b'{"error": "no such image"}', "JSON"),
        (b"[\n  {}\n]", "JSON"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "XML"),
        (b"<rss version='2.0'></rss>", "XML"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "an M3U playlist"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
        (b"Not Found", "text"),
        (b"BM is how this text begins, as it happens", "text"),
        (b"{ braces } but no JSON", "text"),
        (bytes(1_000), "unknown bytes"),
        (b"\x00\x00\x00\x10ftyp", "an MP4 video"),
    ],
)  # fmt: skip
def test_what_is_no_image_at_all_is_named(data: bytes, name: str) -> None:
    issue = issue_of(data)
    assert (issue.code, issue.limit) == (RefusalCode.NOT_AN_IMAGE, None)
    assert issue.message == f"The file is {name}, not an image."
    assert issue.measured == name.removeprefix("an ").removeprefix("a ")


def test_any_begin_of_any_file_has_a_name() -> None:
    """The reader of foreign bytes never fails, wherever they end."""
    files = [zipped(), tarred(), gzip.compress(SVG.encode()), boxes(b"heic"), SVG.encode("utf-16"), LICENSE.encode()]
    files += [encoded(picture(8, 8), format) for format in ("TGA", "ICO", "PCX", "SGI", "PPM", "DIB")]
    for data in files:
        for length in range(1, min(len(data), 400)):
            assert kind_of(data[:length]).name


def test_a_file_of_two_kinds_is_what_its_first_bytes_decode_to() -> None:
    page = b"<html><script>alert(1)</script></html>"
    gif = encoded(picture(32, 32), "GIF")
    assert inspect(jpeg() + zipped(), MANY).format == "jpeg"
    assert inspect(encoded(picture(), "PNG") + zipped(), MANY).format == "png"
    assert inspect(gif + page, MANY).format == "gif"
    assert issue_of(b"GIF89a/*" + page + b"*/=1;").code in (RefusalCode.CORRUPT, RefusalCode.TRUNCATED)
    assert issue_of(page + jpeg()).measured == "HTML"
    assert issue_of(zipped() + jpeg()).measured == "ZIP archive"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("tail", [bytes(3_000), zipped(), boxes(b"mp42")], ids=["padding", "archive", "film"])
def test_what_comes_after_the_end_does_no_harm_and_hides_no_cut(format: str, tail: bytes) -> None:
    """Phones put a film behind a photograph."""
    data = encoded(picture(400, 300), format)
    assert inspect(data + tail, MANY).width == 400
    if format in ("JPEG", "PNG"):
        with pytest.raises(Refusal):
            inspect(data[: len(data) // 2] + tail, MANY)


@pytest.mark.parametrize(
    ("exif", "format"),
    [
        (b"Exif\x00\x00", "JPEG"),
        (b"Exif\x00\x00II*\x00\xff\xff\xff\xff", "JPEG"),
        (b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\x01\x12" * 40, "JPEG"),
        (b"Exif\x00\x00" + bytes(2_000), "JPEG"),
        (b"II*\x00\x08\x00\x00\x00\xff\xff\x12\x01", "PNG"),
        (b"II*\x00\x08\x00\x00\x00\xff\xff\x12\x01", "WEBP"),
    ],
)
def test_broken_exif_around_good_pixels_is_no_reason_to_refuse(exif: bytes, format: str) -> None:
    measures = inspect(encoded(picture(), format, exif=exif), MANY)
    assert (measures.width, measures.height) == (160, 120)


def sof_as(data: bytes, marker: int, bits: int = 8) -> bytes:
    """A JPEG whose frame says that it is of another process, or of more bits a sample."""
    at = data.index(b"\xff\xc0")
    return data[:at] + bytes((0xFF, marker)) + data[at + 2 : at + 4] + bytes((bits,)) + data[at + 5 :]


def tiff_as(tag: int, value: int) -> bytes:
    """A TIFF with one value of its directory (a 16-bit one) changed."""
    data = bytearray(encoded(picture().convert("L"), "TIFF"))
    at = struct.unpack_from("<I", data, 4)[0] + 2
    while struct.unpack_from("<H", data, at)[0] != tag:
        at += 12
    struct.pack_into("<H", data, at + 8, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "measured"),
    [
        (sof_as(jpeg(), 0xF7), "JPEG-LS"),
        (sof_as(jpeg(), 0xC5), "hierarchical JPEG"),
        (sof_as(jpeg(), 0xC1, 12), "12 bits a sample"),
        (tiff_as(258, 14), "unknown pixel mode"),
        (tiff_as(259, 50_001), "compression 50001"),
        (tiff_as(259, 34_712), "compression 34712"),
    ],
)
def test_a_whole_file_of_a_kind_that_no_decoder_knows_is_not_called_damaged(data: bytes, measured: str) -> None:
    issue = issue_of(data)
    assert (issue.code, issue.measured) == (RefusalCode.UNSUPPORTED_FORMAT, measured)
    assert issue.message.startswith("This kind of ")


def refusal_of(data: bytes, place: int) -> Issue | None:
    """The refusal of the file with two bytes overwritten; None where it is taken all the same."""
    try:
        inspect(data[:place] + b"\xff\xff" + data[place + 2 :], MANY)
    except Refusal as refused:
        return refused.issue
    return None


def test_a_reason_never_shows_the_inside_of_the_program() -> None:
    for format in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP"):
        data = encoded(picture(), format)
        refusals = [issue for place in range(4, 40) if (issue := refusal_of(data, place))]
        assert refusals
        assert not [issue for issue in refusals if "object at" in str(issue.measured)]


def test_sixteen_bit_and_large_colors_are_taken() -> None:
    gray = Image.fromarray(np.asarray(picture().convert("L")).astype(np.uint16) * 257)
    assert inspect(encoded(gray, "PNG"), MANY).format == "png"
    assert inspect(noisy_jpeg(), MANY).format == "jpeg"
