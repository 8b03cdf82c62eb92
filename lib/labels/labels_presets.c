/* labels/labels_presets.c - the tables of the label spaces that have a name. */
#include "labels/labels.h"

/* Tables, as many to a line as there is room for. */
/* clang-format off */

static const char *const ade20k_names[] = {
    "wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed", "windowpane", "grass",
    "cabinet", "sidewalk", "person", "earth", "door", "table", "mountain", "plant", "curtain",
    "chair", "car", "water", "painting", "sofa", "shelf", "house", "sea", "mirror", "rug", "field",
    "armchair", "seat", "fence", "desk", "rock", "wardrobe", "lamp", "bathtub", "railing",
    "cushion", "base", "box", "column", "signboard", "chest of drawers", "counter", "sand", "sink",
    "skyscraper", "fireplace", "refrigerator", "grandstand", "path", "stairs", "runway", "case",
    "pool table", "pillow", "screen door", "stairway", "river", "bridge", "bookcase", "blind",
    "coffee table", "toilet", "flower", "book", "hill", "bench", "countertop", "stove", "palm",
    "kitchen island", "computer", "swivel chair", "boat", "bar", "arcade machine", "hovel", "bus",
    "towel", "light", "truck", "tower", "chandelier", "awning", "streetlight", "booth",
    "television", "airplane", "dirt track", "apparel", "pole", "land", "bannister", "escalator",
    "ottoman", "bottle", "buffet", "poster", "stage", "van", "ship", "fountain", "conveyer belt",
    "canopy", "washer", "plaything", "swimming pool", "stool", "barrel", "basket", "waterfall",
    "tent", "bag", "minibike", "cradle", "oven", "ball", "food", "step", "tank", "trade name",
    "microwave", "pot", "animal", "bicycle", "lake", "dishwasher", "screen", "blanket", "sculpture",
    "hood", "sconce", "vase", "traffic light", "tray", "ashcan", "fan", "pier", "crt screen",
    "plate", "monitor", "bulletin board", "shower", "radiator", "glass", "clock", "flag",
};

static const char *const cocostuff_names[] = {
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush", "banner", "blanket", "branch", "bridge",
    "building-other", "bush", "cabinet", "cage", "cardboard", "carpet", "ceiling-other",
    "ceiling-tile", "cloth", "clothes", "clouds", "counter", "cupboard", "curtain", "desk-stuff",
    "dirt", "door-stuff", "fence", "floor-marble", "floor-other", "floor-stone", "floor-tile",
    "floor-wood", "flower", "fog", "food-other", "fruit", "furniture-other", "grass", "gravel",
    "ground-other", "hill", "house", "leaves", "light", "mat", "metal", "mirror-stuff", "moss",
    "mountain", "mud", "napkin", "net", "paper", "pavement", "pillow", "plant-other", "plastic",
    "platform", "playingfield", "railing", "railroad", "river", "road", "rock", "roof", "rug",
    "salad", "sand", "sea", "shelf", "sky-other", "skyscraper", "snow", "solid-other", "stairs",
    "stone", "straw", "structural-other", "table", "tent", "textile-other", "towel", "tree",
    "vegetable", "wall-brick", "wall-concrete", "wall-other", "wall-panel", "wall-stone",
    "wall-tile", "wall-wood", "water-other", "waterdrops", "window-blind", "window-other", "wood",
};

/* Labels in the raw files are COCO ids less one; eleven were never annotated. */
static const int16_t cocostuff_raw[] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, -1,
    24, 25, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, -1, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, -1, 60, -1, -1, 61, -1, 62, 63, 64,
    65, 66, 67, 68, 69, 70, 71, 72, -1, 73, 74, 75, 76, 77, 78, 79, -1, 80, 81, 82, 83, 84, 85, 86,
    87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108,
    109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
    128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146,
    147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165,
    166, 167, 168, 169, 170,
};

static const char *const cityscapes_names[] = {
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign",
    "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle",
    "bicycle",
};

static const int16_t cityscapes_ids[] = {
    -1, -1, -1, -1, -1, -1, -1, 0, 1, -1, -1, 2, 3, 4, -1, -1, -1, 5, -1, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15, -1, -1, 16, 17, 18,
};

static const char *const voc_names[] = {
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
};

static const char *const pascal_context_names[] = {
    "background", "aeroplane", "bag", "bed", "bedclothes", "bench", "bicycle", "bird", "boat",
    "book", "bottle", "building", "bus", "cabinet", "car", "cat", "ceiling", "chair", "cloth",
    "computer", "cow", "cup", "curtain", "dog", "door", "fence", "floor", "flower", "food", "grass",
    "ground", "horse", "keyboard", "light", "motorbike", "mountain", "mouse", "person", "plate",
    "platform", "pottedplant", "road", "rock", "sheep", "shelves", "sidewalk", "sign", "sky",
    "snow", "sofa", "table", "track", "train", "tree", "truck", "tvmonitor", "wall", "water",
    "window", "wood",
};

static const char *const camvid_names[] = {
    "sky", "building", "pole", "road", "pavement", "tree", "signsymbol", "fence", "car",
    "pedestrian", "bicyclist",
};

static const char *const mapillary_v1_2_names[] = {
    "animal--bird", "animal--ground-animal", "construction--barrier--curb",
    "construction--barrier--fence", "construction--barrier--guard-rail",
    "construction--barrier--other-barrier", "construction--barrier--wall",
    "construction--flat--bike-lane", "construction--flat--crosswalk-plain",
    "construction--flat--curb-cut", "construction--flat--parking",
    "construction--flat--pedestrian-area", "construction--flat--rail-track",
    "construction--flat--road", "construction--flat--service-lane", "construction--flat--sidewalk",
    "construction--structure--bridge", "construction--structure--building",
    "construction--structure--tunnel", "human--person", "human--rider--bicyclist",
    "human--rider--motorcyclist", "human--rider--other-rider", "marking--crosswalk-zebra",
    "marking--general", "nature--mountain", "nature--sand", "nature--sky", "nature--snow",
    "nature--terrain", "nature--vegetation", "nature--water", "object--banner", "object--bench",
    "object--bike-rack", "object--billboard", "object--catch-basin", "object--cctv-camera",
    "object--fire-hydrant", "object--junction-box", "object--mailbox", "object--manhole",
    "object--phone-booth", "object--pothole", "object--street-light", "object--support--pole",
    "object--support--traffic-sign-frame", "object--support--utility-pole", "object--traffic-light",
    "object--traffic-sign--back", "object--traffic-sign--front", "object--trash-can",
    "object--vehicle--bicycle", "object--vehicle--boat", "object--vehicle--bus",
    "object--vehicle--car", "object--vehicle--caravan", "object--vehicle--motorcycle",
    "object--vehicle--on-rails", "object--vehicle--other-vehicle", "object--vehicle--trailer",
    "object--vehicle--truck", "object--vehicle--wheeled-slow", "void--car-mount",
    "void--ego-vehicle",
};

static const char *const mapillary_v2_names[] = {
    "animal--bird", "animal--ground-animal", "construction--barrier--ambiguous",
    "construction--barrier--concrete-block", "construction--barrier--curb",
    "construction--barrier--fence", "construction--barrier--guard-rail",
    "construction--barrier--other-barrier", "construction--barrier--road-median",
    "construction--barrier--road-side", "construction--barrier--separator",
    "construction--barrier--temporary", "construction--barrier--wall",
    "construction--flat--bike-lane", "construction--flat--crosswalk-plain",
    "construction--flat--curb-cut", "construction--flat--driveway", "construction--flat--parking",
    "construction--flat--parking-aisle", "construction--flat--pedestrian-area",
    "construction--flat--rail-track", "construction--flat--road",
    "construction--flat--road-shoulder", "construction--flat--service-lane",
    "construction--flat--sidewalk", "construction--flat--traffic-island",
    "construction--structure--bridge", "construction--structure--building",
    "construction--structure--garage", "construction--structure--tunnel",
    "human--person--individual", "human--person--person-group", "human--rider--bicyclist",
    "human--rider--motorcyclist", "human--rider--other-rider", "marking--continuous--dashed",
    "marking--continuous--solid", "marking--continuous--zigzag", "marking--discrete--ambiguous",
    "marking--discrete--arrow--left", "marking--discrete--arrow--other",
    "marking--discrete--arrow--right", "marking--discrete--arrow--split-left-or-straight",
    "marking--discrete--arrow--split-right-or-straight", "marking--discrete--arrow--straight",
    "marking--discrete--crosswalk-zebra", "marking--discrete--give-way-row",
    "marking--discrete--give-way-single", "marking--discrete--hatched--chevron",
    "marking--discrete--hatched--diagonal", "marking--discrete--other-marking",
    "marking--discrete--stop-line", "marking--discrete--symbol--bicycle",
    "marking--discrete--symbol--other", "marking--discrete--text",
    "marking-only--continuous--dashed", "marking-only--discrete--crosswalk-zebra",
    "marking-only--discrete--other-marking", "marking-only--discrete--text", "nature--mountain",
    "nature--sand", "nature--sky", "nature--snow", "nature--terrain", "nature--vegetation",
    "nature--water", "object--banner", "object--bench", "object--bike-rack", "object--catch-basin",
    "object--cctv-camera", "object--fire-hydrant", "object--junction-box", "object--mailbox",
    "object--manhole", "object--parking-meter", "object--phone-booth", "object--pothole",
    "object--sign--advertisement", "object--sign--ambiguous", "object--sign--back",
    "object--sign--information", "object--sign--other", "object--sign--store",
    "object--street-light", "object--support--pole", "object--support--pole-group",
    "object--support--traffic-sign-frame", "object--support--utility-pole", "object--traffic-cone",
    "object--traffic-light--cyclists", "object--traffic-light--general-horizontal",
    "object--traffic-light--general-single", "object--traffic-light--general-upright",
    "object--traffic-light--other", "object--traffic-light--pedestrians",
    "object--traffic-sign--ambiguous", "object--traffic-sign--back",
    "object--traffic-sign--direction-back", "object--traffic-sign--direction-front",
    "object--traffic-sign--front", "object--traffic-sign--information-parking",
    "object--traffic-sign--temporary-back", "object--traffic-sign--temporary-front",
    "object--trash-can", "object--vehicle--bicycle", "object--vehicle--boat",
    "object--vehicle--bus", "object--vehicle--car", "object--vehicle--caravan",
    "object--vehicle--motorcycle", "object--vehicle--on-rails", "object--vehicle--other-vehicle",
    "object--vehicle--trailer", "object--vehicle--truck", "object--vehicle--vehicle-group",
    "object--vehicle--wheeled-slow", "object--water-valve", "void--car-mount", "void--dynamic",
    "void--ego-vehicle", "void--ground", "void--static", "void--unlabeled",
};

static const char *const loveda_names[] = {
    "background", "building", "road", "water", "barren", "forest", "agricultural",
};

static const char *const isaid_names[] = {
    "background", "ship", "store_tank", "baseball_diamond", "tennis_court", "basketball_court",
    "Ground_Track_Field", "Bridge", "Large_Vehicle", "Small_Vehicle", "Helicopter", "Swimming_pool",
    "Roundabout", "Soccer_ball_field", "plane", "Harbor",
};

static const fm__preset presets[] = {
    /* name, classes, labels, offset, written, also ignored, table, names, suffixes, colors: of classes or of
     labels, of the written label */
    {"ade20k", 150, 151, 1, 0, 255, NULL, ade20k_names, "", "", fm__colors_ade20k, false, -1},
    {"cocostuff164k", 171, 171, 0, 255, -1, NULL, cocostuff_names, "_labelTrainIds", "", fm__colors_cocostuff, false, -1},
    {"cocostuff164k-raw", 171, 182, 0, 255, -1, cocostuff_raw, cocostuff_names, "", "", fm__colors_cocostuff, false, -1},
    {"cocostuff10k", 171, 172, 1, 0, 255, NULL, cocostuff_names, "_labelTrainIds", "", fm__colors_cocostuff, false, -1},
    {"cityscapes", 19, 19, 0, 255, -1, NULL, cityscapes_names, "_gtFine_labelTrainIds", "_leftImg8bit", fm__colors_cityscapes, false, -1},
    {"cityscapes-ids", 19, 34, 0, 0, -1, cityscapes_ids, cityscapes_names, "_gtFine_labelIds", "_leftImg8bit", fm__colors_cityscapes_ids, true, -1},
    {"voc2012", 21, 21, 0, 255, -1, NULL, voc_names, "", "", fm__colors_voc, false, 0xe0e0c0},
    {"pascal-context", 60, 60, 0, 255, -1, NULL, pascal_context_names, "", "", NULL, false, -1},
    {"pascal-context-59", 59, 60, 1, 0, 255, NULL, pascal_context_names + 1, "", "", NULL, false, -1},
    {"camvid", 11, 11, 0, 11, -1, NULL, camvid_names, "", "", fm__colors_camvid, false, 0},
    {"mapillary-v1.2", 65, 65, 0, 65, -1, NULL, mapillary_v1_2_names, "", "", fm__colors_mapillary_v1_2, false, 0},
    {"mapillary-v2", 124, 124, 0, 255, -1, NULL, mapillary_v2_names, "", "", NULL, false, -1},
    {"loveda", 7, 8, 1, 0, 255, NULL, loveda_names, "", "", fm__colors_loveda, false, -1},
    {"isaid", 16, 16, 0, 255, -1, NULL, isaid_names, "_instance_color_RGB", "", fm__colors_isaid, false, -1},
};

/* clang-format on */

const fm__preset *fm__preset_at(size_t i) {
  return i < sizeof presets / sizeof *presets ? &presets[i] : NULL;
}
