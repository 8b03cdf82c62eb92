/* io/sniff.c - what a file is, by its first bytes. */
#include "io/sniff.h"

#include <stdbool.h>
#include <string.h>

typedef struct magic {
  const char *bytes;
  size_t size;
  size_t offset;
  const char *name;
} magic;

static const magic PNG = {"\x89PNG\r\n\x1a\n", 8, 0, "a PNG image"};
static const magic JPEG = {"\xff\xd8\xff", 3, 0, "a JPEG image"};
static const magic NPY = {"\x93NUMPY", 6, 0, "a NumPy array (.npy)"};

/* Things that turn up in data set folders under the wrong name. */
static const magic others[] = {
    {"\x89PNG", 4, 0, "a PNG image that went through a text conversion"},
    {"BM", 2, 0, "a BMP image"},
    {"GIF8", 4, 0, "a GIF image"},
    {"II*\0", 4, 0, "a TIFF image"},
    {"MM\0*", 4, 0, "a TIFF image"},
    {"WEBP", 4, 8, "a WebP image"},
    {"ftypavif", 8, 4, "an AVIF image"},
    {"ftyphei", 7, 4, "a HEIC image"},
    {"\0\0\0\x0cjP  ", 8, 0, "a JPEG 2000 image"},
    {"PK\x03\x04", 4, 0, "a ZIP archive (.npz or a PyTorch file?)"},
    {"\x1f\x8b", 2, 0, "a gzip archive"},
    {"\xfd"
     "7zXZ",
     5, 0, "an xz archive"},
    {"\x89HDF", 4, 0, "an HDF5 file"},
    {"MATLAB 5", 8, 0, "a MATLAB file"},
    {"%PDF", 4, 0, "a PDF document"},
    {"version https://git-lfs", 23, 0, "a Git LFS pointer: the file itself was not fetched"},
    {"<?xml", 5, 0, "an XML file"},
    {"<!DOCTYPE", 9, 0, "an HTML page"},
    {"<html", 5, 0, "an HTML page"},
    {"{", 1, 0, "a JSON file"},
    {"P5\n", 3, 0, "a PGM image"},
    {"P6\n", 3, 0, "a PPM image"},
    {"\x80\x02", 2, 0, "a Python pickle"},
    {"\x80\x03", 2, 0, "a Python pickle"},
    {"\x80\x04", 2, 0, "a Python pickle"},
    {"\x80\x05", 2, 0, "a Python pickle"},
};

static bool matches(const magic *m, const unsigned char *bytes, size_t size) {
  return size >= m->offset + m->size && !memcmp(bytes + m->offset, m->bytes, m->size);
}

fm__file_kind fm__sniff(const unsigned char *bytes, size_t size) {
  if (matches(&PNG, bytes, size)) return FM__FILE_PNG;
  if (matches(&JPEG, bytes, size)) return FM__FILE_JPEG;
  if (matches(&NPY, bytes, size)) return FM__FILE_NPY;
  return FM__FILE_OTHER;
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

const char *fm__sniff_name(const unsigned char *bytes, size_t size) {
  if (!size) return "an empty file";
  switch (fm__sniff(bytes, size)) {
    case FM__FILE_PNG:
      return PNG.name;
    case FM__FILE_JPEG:
      return JPEG.name;
    case FM__FILE_NPY:
      return NPY.name;
    case FM__FILE_OTHER:
      break;
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (matches(&others[i], bytes, size)) return others[i].name;
  size_t seen = size < 64 ? size : 64;
  if (is_zero(bytes, seen)) return "a file of zeros";
  return is_text(bytes, seen) ? "a text file" : "no file format that is known here";
}
