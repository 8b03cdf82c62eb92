/* io/format.c - the file formats of pixels: one row of a table for each. */
#include "io/format.h"

#include <stdbool.h>
#include <string.h>

enum {
  MASK = FM__CONTENT(FM__MASK),
  LOSS = FM__CONTENT(FM__LOSS),
  OUTPUT = FM__CONTENT(FM__OUTPUT),
  QUERIES = FM__CONTENT(FM__QUERIES),
  IMAGE = FM__CONTENT(FM__IMAGE),
  COLORS = FM__CONTENT(FM__COLORS)
};

/* The first row that matches counts. Those without a decoder turn up in data set folders under
 * the wrong name. */
static const fm__format formats[] = {
    {"\x89PNG\r\n\x1a\n", 8, 0, "a PNG image", fm__png_read, MASK | IMAGE | COLORS},
    {"\xff\xd8\xff", 3, 0, "a JPEG image", fm__jpeg_read, IMAGE | FM__LOSSY},
    {"\x93NUMPY", 6, 0, "a NumPy array (.npy)", fm__npy_read, MASK | LOSS | OUTPUT},
    {"PK\x03\x04", 4, 0, "a ZIP archive", fm__npz_read, MASK | LOSS | OUTPUT | QUERIES},
    {"\x89PNG", 4, 0, "a PNG image that went through a text conversion", NULL, 0},
    {"BM", 2, 0, "a BMP image", NULL, 0},
    {"GIF8", 4, 0, "a GIF image", NULL, 0},
    {"II*\0", 4, 0, "a TIFF image", fm__tiff_read, MASK | IMAGE | COLORS},
    {"MM\0*", 4, 0, "a TIFF image", fm__tiff_read, MASK | IMAGE | COLORS},
    {"II+\0", 4, 0, "a TIFF image", fm__tiff_read, MASK | IMAGE | COLORS}, /* BigTIFF */
    {"MM\0+", 4, 0, "a TIFF image", fm__tiff_read, MASK | IMAGE | COLORS},
    {"WEBP", 4, 8, "a WebP image", fm__webp_read, IMAGE | FM__LOSSY},
    {"ftypavif", 8, 4, "an AVIF image", NULL, FM__LOSSY},
    {"ftyphei", 7, 4, "a HEIC image", NULL, FM__LOSSY},
    {"\0\0\0\x0cjP  ", 8, 0, "a JPEG 2000 image", NULL, FM__LOSSY},
    {"PK\x05\x06", 4, 0, "an empty ZIP archive", NULL, 0},
    {"\x1f\x8b", 2, 0, "a gzip archive", NULL, 0},
    {"\xfd"
     "7zXZ",
     5, 0, "an xz archive", NULL, 0},
    {"\x89HDF", 4, 0, "an HDF5 file", NULL, 0},
    {"MATLAB 5", 8, 0, "a MATLAB file", NULL, 0},
    {"%PDF", 4, 0, "a PDF document", NULL, 0},
    {"version https://git-lfs", 23, 0, "a Git LFS pointer: the file itself was not fetched", NULL,
     0},
    {"<?xml", 5, 0, "an XML file", NULL, 0},
    {"<!DOCTYPE", 9, 0, "an HTML page", NULL, 0},
    {"<html", 5, 0, "an HTML page", NULL, 0},
    {"{", 1, 0, "a JSON file", NULL, 0},
    {"P5\n", 3, 0, "a PGM image", NULL, 0},
    {"P6\n", 3, 0, "a PPM image", NULL, 0},
    {"\x80\x02", 2, 0, "a Python pickle", NULL, 0},
    {"\x80\x03", 2, 0, "a Python pickle", NULL, 0},
    {"\x80\x04", 2, 0, "a Python pickle", NULL, 0},
    {"\x80\x05", 2, 0, "a Python pickle", NULL, 0},
};

const fm__format *fm__format_of(const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    const fm__format *f = &formats[i];
    if (size >= f->offset + f->size && !memcmp(bytes + f->offset, f->magic, f->size)) return f;
  }
  return NULL;
}

static bool is_text(const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] < 0x20 ? !strchr("\t\n\r\f", bytes[i]) || !bytes[i] : bytes[i] == 0x7F)
      return false;
  return true;
}

static bool is_zero(const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i]) return false;
  return true;
}

const char *fm__format_guess(const unsigned char *bytes, size_t size) {
  size_t seen = size < 64 ? size : 64;
  if (is_zero(bytes, seen)) return "a file of zeros";
  return is_text(bytes, seen) ? "a text file" : "no file format that is known here";
}
