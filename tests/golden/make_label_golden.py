#!/usr/bin/env python3
# golden/make_label_golden.py - labels.csv, what every preset has to hold, from tables of facts.
# SPDX-License-Identifier: MIT
"""usage: make_label_golden.py FOLDER > labels.csv

FOLDER holds the label tables of the data sets as CSV, as their authors publish them:
  ade20k_150.csv            png_value, train_id, names      (objectInfo150)
  cityscapes_map.csv        id, train_id, name              (cityscapesScripts labels.py)
  coco_stuff164k_map.csv    raw_png_value, train_id, name   (cocostuff labels.txt)
  mapillary_v1.2_66.csv     png_value, name                 (config_v1.2.json)
  mapillary_v2.0_124.csv    png_value, name                 (config_v2.0.json)
  other_small.csv           dataset, png_value, train_id, name

Rows of labels.csv: preset, label, class (-1: ignored), class name. Labels without a row are
not in the space. The row with label "written" tells what the filter writes, "classes" how many
there are. It does not look at the library's tables.
"""
import csv
import os
import sys

IGNORED = -1

# Pascal-Context's 59 most frequent classes are in alphabetical order, after the background.
PASCAL_CONTEXT = (
    "background aeroplane bag bed bedclothes bench bicycle bird boat book bottle building bus "
    "cabinet car cat ceiling chair cloth computer cow cup curtain dog door fence floor flower "
    "food grass ground horse keyboard light motorbike mountain mouse person plate platform "
    "pottedplant road rock sheep shelves sidewalk sign sky snow sofa table track train tree "
    "truck tvmonitor wall water window wood").split()


def rows(folder, name):
    with open(os.path.join(folder, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def first_name(text):
    return text.split(",")[0].strip()


def shifted(names):
    """Labels from 1 on; 0 and 255 carry no supervision (reduce_zero_label)."""
    table = {0: (IGNORED, ""), 255: (IGNORED, "")}
    table.update({k + 1: (k, name) for k, name in enumerate(names)})
    return table


def straight(names, ignored):
    table = {k: (k, name) for k, name in enumerate(names)}
    table[ignored] = (IGNORED, "")
    return table


def by_class(pairs):
    """Names in the order of their classes, from (class, name) pairs."""
    known = dict(pairs)
    return [known[k] for k in range(len(known))]


def spaces(folder):
    ade = by_class((int(r["train_id"]), first_name(r["names"])) for r in rows(folder, "ade20k_150.csv"))
    yield "ade20k", shifted(ade), 0

    coco_rows = rows(folder, "coco_stuff164k_map.csv")
    coco = by_class((int(r["train_id"]), r["name"]) for r in coco_rows if r["train_id"] != "255")
    raw = {int(r["raw_png_value"]): (IGNORED, "") if r["train_id"] == "255"
           else (int(r["train_id"]), r["name"]) for r in coco_rows}
    yield "cocostuff164k", straight(coco, 255), 255
    yield "cocostuff164k-raw", raw, 255
    yield "cocostuff10k", shifted(coco), 0

    city_rows = [r for r in rows(folder, "cityscapes_map.csv") if int(r["id"]) >= 0]
    city = by_class((int(r["train_id"]), r["name"]) for r in city_rows if r["train_id"] != "255")
    ids = {int(r["id"]): (IGNORED, "") if r["train_id"] == "255"
           else (int(r["train_id"]), r["name"]) for r in city_rows}
    yield "cityscapes", straight(city, 255), 255
    yield "cityscapes-ids", ids, 0

    small = rows(folder, "other_small.csv")

    def names_of(dataset):
        return by_class((int(r["train_id"]), r["name"]) for r in small
                        if r["dataset"] == dataset and r["train_id"] != "255")

    yield "voc2012", straight(names_of("voc2012"), 255), 255
    yield "pascal-context", straight(PASCAL_CONTEXT, 255), 255
    yield "pascal-context-59", shifted(PASCAL_CONTEXT[1:]), 0
    yield "camvid", straight(names_of("camvid_segnet"), 11), 11

    v12 = by_class((int(r["png_value"]), r["name"]) for r in rows(folder, "mapillary_v1.2_66.csv"))
    yield "mapillary-v1.2", straight(v12[:65], 65), 65
    v2 = by_class((int(r["png_value"]), r["name"]) for r in rows(folder, "mapillary_v2.0_124.csv"))
    yield "mapillary-v2", straight(v2, 255), 255
    yield "loveda", shifted(names_of("loveda")), 0
    yield "isaid", straight(names_of("isaid"), 255), 255


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["preset", "label", "class", "name"])
    for preset, table, written in spaces(sys.argv[1]):
        out.writerow([preset, "classes", max(k for k, _ in table.values()) + 1, ""])
        out.writerow([preset, "written", written, ""])
        for label in sorted(table):
            out.writerow([preset, label, *table[label]])


main()
