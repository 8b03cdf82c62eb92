/* freemask.hpp - libfreemask for C++17: one header over the C interface.
 * SPDX-License-Identifier: MIT
 *
 * What a call does, its units, ranges, memory and thread-safety stand in the C headers, whose
 * functions it calls: filter::apply is fm_filter_apply. Here is what C++ adds.
 *
 *   Handles        move-only objects that destroy what they hold. A moved-from object holds nothing;
 *                  calls refuse it (FM_ERR_ARGUMENT). Objects may go in any order.
 *   Options        the C structures with `size` set and everything else 0, the documented default.
 *   Pixels         view2d and view3d: typed windows on memory of yours. const elements are only read.
 *   Failure        an exception, freemask::error; or, where FREEMASK_RESULTS is defined before this
 *                  header and in builds without exceptions, a result<T> that every such call returns.
 *                  The two kinds have different names for the linker, so one program may have both.
 *   Callbacks      std::function. What they throw comes out of the call that ran them.
 *
 * Below, returns<T> is T with exceptions and result<T> without. */
#ifndef FREEMASK_HPP
#define FREEMASK_HPP

#include <freemask/freemask.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if !defined(FREEMASK_RESULTS) && !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#define FREEMASK_RESULTS
#endif

namespace freemask {
#ifdef FREEMASK_RESULTS
inline namespace with_results {
#else
inline namespace with_exceptions {
#endif

/* ---- Failure -------------------------------------------------------------------------- */

/** What went wrong: the status, the sentence, and the callback's value or errno. */
class error : public std::runtime_error {
 public:
  explicit error(const fm_error &err)
      : std::runtime_error(err.message), code_(err.code), host_code_(err.host_code) {}
  fm_status status() const noexcept { return static_cast<fm_status>(code_); }
  /** FM_ERR_CALLBACK: the callback's value; FM_ERR_IO: errno; else 0. */
  int host_code() const noexcept { return host_code_; }
  /** "FM_ERR_SHAPE" and the like. */
  const char *name() const noexcept { return fm_status_name(status()); }

 private:
  int32_t code_;
  int32_t host_code_;
};

/** A call that returns nothing returns result<done> where failure is a result. */
using done = std::monostate;

/** A value, or the error that is why there is none. */
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(freemask::error failure) : content_(std::in_place_index<1>, std::move(failure)) {}

  bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  /** The value. There has to be one. */
  T &operator*() &noexcept { return *std::get_if<0>(&content_); }
  const T &operator*() const &noexcept { return *std::get_if<0>(&content_); }
  T &&operator*() &&noexcept { return std::move(*std::get_if<0>(&content_)); }
  T *operator->() noexcept { return std::get_if<0>(&content_); }
  const T *operator->() const noexcept { return std::get_if<0>(&content_); }
  /** The error. There has to be one. */
  const freemask::error &error() const noexcept { return *std::get_if<1>(&content_); }
  T value_or(T other) && { return has_value() ? std::move(**this) : std::move(other); }

 private:
  std::variant<T, freemask::error> content_;
};

#ifdef FREEMASK_RESULTS
template <class T>
using returns = result<std::conditional_t<std::is_void_v<T>, done, T>>;
#else
template <class T>
using returns = T;
#endif

namespace detail {

/** Ends every call that can fail: `make` makes the value if the library says FM_OK. */
template <class T, class Make>
returns<T> finish(fm_status status, const fm_error &err, Make &&make) {
#ifdef FREEMASK_RESULTS
  if (status != FM_OK) return error(err);
  if constexpr (std::is_void_v<T>)
    return done();
  else
    return make();
#else
  if (status != FM_OK) throw error(err);
  if constexpr (!std::is_void_v<T>) return make();
#endif
}

inline returns<void> finish(fm_status status, const fm_error &err) {
  return finish<void>(status, err, [] {});
}

/** Lengths in C are signed, and most count in 32 bits: one that does not fit is given as -1, which
 *  every call refuses. */
inline int32_t count32(std::size_t count) {
  return count > static_cast<std::size_t>(INT32_MAX) ? -1 : static_cast<int32_t>(count);
}

inline int64_t count64(std::size_t count) { return static_cast<int64_t>(count); }

/** Holds one handle, and what has to outlive it: the log function of its context, say. */
template <class C, void (*Destroy)(C *)>
class handle {
 public:
  handle() = default;
  handle(C *owned, std::shared_ptr<const void> origin)
      : origin_(std::move(origin)), owned_(owned) {}
  /** The C handle, which stays this object's; nullptr if it was moved from. */
  C *get() const noexcept { return owned_.get(); }
  explicit operator bool() const noexcept { return owned_ != nullptr; }
  /** What handles made from this one have to keep. */
  const std::shared_ptr<const void> &origin() const noexcept { return origin_; }

 private:
  struct destroy {
    void operator()(C *owned) const noexcept { Destroy(owned); }
  };
  std::shared_ptr<const void> origin_;  // goes after the handle
  std::unique_ptr<C, destroy> owned_;
};

}  // namespace detail

/** A C structure of options or of results with `size` set and all else 0. */
template <class C>
struct sized : C {
  sized() noexcept : C() { this->size = sizeof(C); }
};

using context_options = sized<fm_context_options>;
using labels_options = sized<fm_labels_options>;
using class_stats_options = sized<fm_class_stats_options>;
using filter_options = sized<fm_filter_options>;
using weight_options = sized<fm_weight_options>;
using promise = sized<fm_promise>;
using hardness_options = sized<fm_hardness_options>;
using planner_options = sized<fm_planner_options>;
using plan_rows = sized<fm_plan_rows>;
using plan_entry = sized<fm_plan_entry>;
using planner_row = sized<fm_planner_row>;
using planner_table = sized<fm_planner_table>;
using yield_table = sized<fm_yield_table>;
using schedule_options = sized<fm_schedule_options>;
using schedule_entry = sized<fm_schedule_entry>;
using schedule_arrays = sized<fm_schedule_arrays>;
using network_loss_options = sized<fm_network_loss_options>;
using boundary_options = sized<fm_boundary_options>;
using read_options = sized<fm_read_options>;
using write_options = sized<fm_write_options>;
using loop_options = sized<fm_loop_options>;
using mean_table = sized<fm_mean_table>;
using class_sums = sized<fm_class_sums>;
using class_stats_layout = sized<fm_class_stats_layout>;

/* ---- Pixels --------------------------------------------------------------------------- */

/** 16-bit floating-point numbers as their bits, for memory of networks. */
struct float16 {
  std::uint16_t bits;
};
struct bfloat16 {
  std::uint16_t bits;
};

namespace detail {

template <class T>
constexpr int32_t dtype_of() {
  using E = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<E, float16>)
    return FM_F16;
  else if constexpr (std::is_same_v<E, bfloat16>)
    return FM_BF16;
  else if constexpr (std::is_same_v<E, float>)
    return FM_F32;
  else if constexpr (std::is_same_v<E, double>)
    return FM_F64;
  else if constexpr (std::is_integral_v<E> && !std::is_same_v<E, bool> && sizeof(E) == 1)
    return std::is_signed_v<E> ? FM_I8 : FM_U8;
  else if constexpr (std::is_integral_v<E> && sizeof(E) == 2)
    return std::is_signed_v<E> ? FM_I16 : FM_U16;
  else if constexpr (std::is_integral_v<E> && sizeof(E) == 4)
    return std::is_signed_v<E> ? FM_I32 : FM_U32;
  else if constexpr (std::is_integral_v<E> && sizeof(E) == 8)
    return std::is_signed_v<E> ? FM_I64 : FM_U64;
  else
    static_assert(sizeof(E) == 0, "pixels are integers, float16, bfloat16, float or double");
}

inline void *unconst(const void *data) { return const_cast<void *>(data); }

/** Something like a vector, array or span of T. */
template <class C, class T>
using same_elements =
    std::enable_if_t<std::is_convertible_v<decltype(std::declval<C &>().data()), T *> &&
                     std::is_convertible_v<decltype(std::declval<C &>().size()), std::size_t>>;

}  // namespace detail

/** A window [height, width] on memory that belongs to someone else, as std::span is of one
 *  dimension: copied freely, never an owner. Strides are in bytes, as in fm_plane. */
template <class T>
class view2d {
 public:
  view2d() = default;
  /** Packed rows. */
  view2d(T *data, int64_t height, int64_t width)
      : view2d(data, height, width, width * size(), size()) {}
  view2d(T *data, int64_t height, int64_t width, int64_t row_stride, int64_t col_stride)
      : data_(data), height_(height), width_(width), rows_(row_stride), cols_(col_stride) {}
  /** Packed rows in a vector, array or span. If it holds another number of elements than
   *  height * width the view has no memory, which calls refuse. */
  template <class C, class = detail::same_elements<C, T>>
  view2d(C &&elements, int64_t height, int64_t width)
      : view2d(holds(elements.size(), height, width) ? elements.data() : nullptr, height, width) {}
  /** A window that only reads. */
  operator view2d<const T>() const { return {data_, height_, width_, rows_, cols_}; }

  T *data() const noexcept { return data_; }
  int64_t height() const noexcept { return height_; }
  int64_t width() const noexcept { return width_; }
  int64_t row_stride() const noexcept { return rows_; }
  int64_t col_stride() const noexcept { return cols_; }
  explicit operator bool() const noexcept { return data_ != nullptr; }
  /** Pixel (y, x), which has to be aligned for T. */
  T &operator()(int64_t y, int64_t x) const {
    using byte = std::conditional_t<std::is_const_v<T>, const unsigned char, unsigned char>;
    return *reinterpret_cast<T *>(reinterpret_cast<byte *>(data_) + y * rows_ + x * cols_);
  }
  /** As the C interface has it. Nothing is written through what a const view gives. */
  fm_plane plane() const noexcept {
    return {detail::unconst(data_),
            detail::dtype_of<T>(),
            FM_DEVICE_HOST,
            height_,
            width_,
            rows_,
            cols_};
  }

 private:
  static constexpr int64_t size() { return static_cast<int64_t>(sizeof(T)); }
  static bool holds(std::size_t elements, int64_t height, int64_t width) {
    return height > 0 && width > 0 &&
           static_cast<std::uint64_t>(width) == elements / static_cast<std::uint64_t>(height) &&
           elements % static_cast<std::uint64_t>(height) == 0;
  }
  T *data_ = nullptr;
  int64_t height_ = 0, width_ = 0, rows_ = 0, cols_ = 0;
};

/** A window [channels, height, width], as view2d. */
template <class T>
class view3d {
 public:
  view3d() = default;
  /** Packed, channel after channel. */
  view3d(T *data, int64_t channels, int64_t height, int64_t width)
      : view3d(data, channels, height, width, height * width * size(), width * size(), size()) {}
  view3d(T *data, int64_t channels, int64_t height, int64_t width, int64_t channel_stride,
         int64_t row_stride, int64_t col_stride)
      : data_(data),
        channels_(channels),
        height_(height),
        width_(width),
        planes_(channel_stride),
        rows_(row_stride),
        cols_(col_stride) {}
  /** Interleaved channels, as images usually are: [height, width, channels]. */
  static view3d interleaved(T *data, int64_t channels, int64_t height, int64_t width) {
    return {data, channels, height, width, size(), channels * width * size(), channels * size()};
  }
  operator view3d<const T>() const {
    return {data_, channels_, height_, width_, planes_, rows_, cols_};
  }

  T *data() const noexcept { return data_; }
  int64_t channels() const noexcept { return channels_; }
  int64_t height() const noexcept { return height_; }
  int64_t width() const noexcept { return width_; }
  explicit operator bool() const noexcept { return data_ != nullptr; }
  fm_volume volume() const noexcept {
    return {detail::unconst(data_),
            detail::dtype_of<T>(),
            FM_DEVICE_HOST,
            channels_,
            height_,
            width_,
            planes_,
            rows_,
            cols_};
  }

 private:
  static constexpr int64_t size() { return static_cast<int64_t>(sizeof(T)); }
  T *data_ = nullptr;
  int64_t channels_ = 0, height_ = 0, width_ = 0, planes_ = 0, rows_ = 0, cols_ = 0;
};

/** A plane of any element type that calls read. From a view2d, an fm_plane or a DLPack tensor. */
class plane {
 public:
  plane() noexcept : c_() {}
  plane(const fm_plane &c) noexcept : c_(c) {}
  template <class T>
  plane(const view2d<T> &view) noexcept : c_(view.plane()) {}
  /** fm_plane_from_dlpack. */
  static returns<plane> from_dlpack(const void *dl_tensor) {
    fm_error err;
    fm_plane out;
    fm_status status = fm_plane_from_dlpack(dl_tensor, &out, &err);
    return detail::finish<plane>(status, err, [&] { return plane(out); });
  }
  int64_t height() const noexcept { return c_.height; }
  int64_t width() const noexcept { return c_.width; }
  int32_t dtype() const noexcept { return c_.dtype; }
  explicit operator bool() const noexcept { return c_.data != nullptr; }
  const fm_plane &c() const noexcept { return c_; }
  /** The pixels as T; without memory if they are of another type. */
  template <class T>
  view2d<const T> as() const noexcept {
    if (c_.dtype != detail::dtype_of<T>()) return {};
    const bool packed = c_.row_stride == 0 && c_.col_stride == 0;
    const auto size = static_cast<int64_t>(sizeof(T));
    return {static_cast<const T *>(c_.data), c_.height, c_.width,
            packed ? c_.width * size : c_.row_stride, packed ? size : c_.col_stride};
  }

 private:
  fm_plane c_;
};

/** A plane of any element type that calls write. A view of const elements is none. */
class writable_plane : public plane {
 public:
  writable_plane() = default;
  explicit writable_plane(const fm_plane &c) noexcept : plane(c) {}
  template <class T, class = std::enable_if_t<!std::is_const_v<T>>>
  writable_plane(const view2d<T> &view) noexcept : plane(view) {}
};

/** A volume of any element type that calls read. */
class volume {
 public:
  volume() noexcept : c_() {}
  volume(const fm_volume &c) noexcept : c_(c) {}
  template <class T>
  volume(const view3d<T> &view) noexcept : c_(view.volume()) {}
  /** fm_volume_from_dlpack. */
  static returns<volume> from_dlpack(const void *dl_tensor) {
    fm_error err;
    fm_volume out;
    fm_status status = fm_volume_from_dlpack(dl_tensor, &out, &err);
    return detail::finish<volume>(status, err, [&] { return volume(out); });
  }
  explicit operator bool() const noexcept { return c_.data != nullptr; }
  const fm_volume &c() const noexcept { return c_; }

 private:
  fm_volume c_;
};

/** Bytes of a number of an fm_dtype. */
inline std::size_t dtype_size(fm_dtype dtype) noexcept { return fm_dtype_size(dtype); }

/** fm_extra_planes: what some calls read besides mask and loss map. */
struct extra_planes {
  plane strata;
  plane reference;
  std::vector<plane> siblings;  /**< loss maps of other synthetic images of the same mask */
  uint64_t reference_ranks = 0; /**< of a reference of codes (class_stats::code_map) */
};

namespace detail {

/** An extra_planes for the length of one call; NULL if it is empty. */
class extra_argument {
 public:
  explicit extra_argument(const extra_planes &planes) : planes_(planes), c_() {
    c_.size = sizeof c_;
    if (planes_.strata) c_.strata = &planes_.strata.c();
    if (planes_.reference) c_.reference = &planes_.reference.c();
    c_.reference_ranks = planes_.reference_ranks;
    for (const plane &one : planes_.siblings) siblings_.push_back(one.c());
    c_.siblings = siblings_.empty() ? nullptr : siblings_.data();
    c_.sibling_count = static_cast<int32_t>(siblings_.size());
  }
  const fm_extra_planes *get() const {
    return c_.strata || c_.reference || c_.siblings ? &c_ : nullptr;
  }

 private:
  const extra_planes &planes_;
  std::vector<fm_plane> siblings_;
  fm_extra_planes c_;
};

/** Collects what _encode calls hand out. The vector's growth may throw, which C must not see. */
class bytes_sink {
 public:
  static int write(const void *data, std::size_t size, void *user) noexcept {
    auto &bytes = static_cast<bytes_sink *>(user)->bytes;
#ifdef __cpp_exceptions
    try {
      bytes.assign(static_cast<const unsigned char *>(data),
                   static_cast<const unsigned char *>(data) + size);
    } catch (...) {
      return -1;
    }
#else
    bytes.assign(static_cast<const unsigned char *>(data),
                 static_cast<const unsigned char *>(data) + size);
#endif
    return 0;
  }
  std::vector<unsigned char> bytes;
};

}  // namespace detail

using bytes = std::vector<unsigned char>;

/* ---- Context ---------------------------------------------------------------------------- */

/** Receives log lines; what it throws is dropped. */
using log_function = std::function<void(fm_log_level level, std::string_view message)>;

/** fm_context: allocator, log, kernels. The parent of all else. */
class context : public detail::handle<fm_context, fm_context_destroy> {
 public:
  using handle::handle;
  /** With the options' defaults: malloc, no log, the fastest kernels. */
  static returns<context> make(const context_options &options = {}) {
    return make(options, nullptr);
  }
  /** With a log function, which lives as long as the context and all objects made from it. */
  static returns<context> make(log_function log, int32_t level = FM_LOG_WARNING) {
    context_options options;
    auto kept = std::make_shared<log_function>(std::move(log));
    options.log_level = level;
    options.log_user = kept.get();
    options.log = [](int32_t line_level, const char *message, void *user) noexcept {
#ifdef __cpp_exceptions
      try {
        (*static_cast<log_function *>(user))(static_cast<fm_log_level>(line_level), message);
      } catch (...) {
      }
#else
      (*static_cast<log_function *>(user))(static_cast<fm_log_level>(line_level), message);
#endif
    };
    return make(options, std::move(kept));
  }
  /** "c", "avx2" and the like. */
  const char *kernels() const noexcept { return fm_context_kernels(get()); }

 private:
  static returns<context> make(const context_options &options, std::shared_ptr<const void> keep) {
    fm_error err;
    fm_context *out = nullptr;
    fm_status status = fm_context_create(&options, &out, &err);
    return detail::finish<context>(status, err, [&] { return context(out, std::move(keep)); });
  }
};

/** The loaded library's release, "MAJOR.MINOR.PATCH". */
inline const char *version() noexcept { return fm_version(); }

/** FM_ABI_VERSION of the loaded library. */
inline int abi_version() noexcept { return fm_abi_version(); }

/** fm_shard_of: which of `count` parts of a job an image belongs to; -1 if `count` is below 1. */
inline int64_t shard_of(const std::string &id, int64_t count) noexcept {
  return fm_shard_of(id.c_str(), count);
}

/* ---- Label spaces ----------------------------------------------------------------------- */

/** fm_labels: label -> class. */
class labels : public detail::handle<fm_labels, fm_labels_destroy> {
 public:
  using handle::handle;
  static returns<labels> preset(const context &parent, const std::string &name) {
    fm_error err;
    fm_labels *out = nullptr;
    fm_status status = fm_labels_create_from_preset(parent.get(), name.c_str(), &out, &err);
    return finish(status, err, out, parent);
  }
  static returns<labels> make(const context &parent, const labels_options &options) {
    fm_error err;
    fm_labels *out = nullptr;
    fm_status status = fm_labels_create(parent.get(), &options, &out, &err);
    return finish(status, err, out, parent);
  }
  /** From a table, or a file of statistics. */
  static returns<labels> read(const context &parent, const std::string &path) {
    fm_error err;
    fm_labels *out = nullptr;
    fm_status status = fm_labels_read(parent.get(), path.c_str(), &out, &err);
    return finish(status, err, out, parent);
  }
  static returns<labels> decode(const context &parent, const void *data, std::size_t size,
                                const std::string &name = "custom") {
    fm_error err;
    fm_labels *out = nullptr;
    fm_status status = fm_labels_decode(parent.get(), data, size, name.c_str(), &out, &err);
    return finish(status, err, out, parent);
  }
  returns<void> write(const std::string &path) const {
    fm_error err;
    return detail::finish(fm_labels_write(get(), path.c_str(), &err), err);
  }
  returns<bytes> encode() const {
    fm_error err;
    detail::bytes_sink sink;
    fm_status status = fm_labels_encode(get(), detail::bytes_sink::write, &sink, &err);
    return detail::finish<bytes>(status, err, [&] { return std::move(sink.bytes); });
  }
  /** The names that `preset` knows. */
  static std::vector<std::string> preset_names() {
    std::vector<std::string> names;
    for (int32_t i = 0; const char *name = fm_labels_preset_name(i); i++) names.emplace_back(name);
    return names;
  }
  returns<labels_options> options() const {
    fm_error err;
    labels_options out;
    fm_status status = fm_labels_get_options(get(), &out, &err);
    return detail::finish<labels_options>(status, err, [&] { return out; });
  }

  std::string name() const { return fm_labels_name(get()); }
  int32_t class_count() const noexcept { return fm_labels_class_count(get()); }
  std::string class_name(int32_t k) const { return fm_labels_class_name(get(), k); }
  int32_t class_of(int64_t label) const noexcept { return fm_labels_class_of(get(), label); }
  int64_t label_of(int32_t k) const noexcept { return fm_labels_label_of(get(), k); }
  int64_t ignore_label() const noexcept { return fm_labels_ignore_label(get()); }
  /** The ignore label of masks of T. */
  template <class T>
  int64_t ignore_label_in() const noexcept {
    return fm_labels_ignore_label_in(get(), detail::dtype_of<T>());
  }
  int32_t color_of(int64_t label) const noexcept { return fm_labels_color_of(get(), label); }
  std::string mask_suffix() const { return fm_labels_mask_suffix(get()); }
  std::string image_suffix() const { return fm_labels_image_suffix(get()); }
  uint64_t fingerprint() const noexcept { return fm_labels_fingerprint(get()); }

  /** Pixels of each class; `ignored` receives those of none. */
  returns<std::vector<int64_t>> count(const plane &mask, int64_t *ignored = nullptr) const {
    fm_error err;
    std::vector<int64_t> pixels(static_cast<std::size_t>(class_count()));
    fm_status status = fm_labels_count(get(), &mask.c(), pixels.data(), ignored, &err);
    return detail::finish<std::vector<int64_t>>(status, err, [&] { return std::move(pixels); });
  }
  returns<void> to_classes(const plane &mask, const writable_plane &classes,
                           int64_t ignored_value = 255) const {
    fm_error err;
    return detail::finish(fm_labels_to_classes(get(), &mask.c(), ignored_value, &classes.c(), &err),
                          err);
  }
  returns<void> convert(const plane &mask, const labels &to,
                        const writable_plane &converted) const {
    fm_error err;
    return detail::finish(fm_labels_convert(get(), &mask.c(), to.get(), &converted.c(), &err), err);
  }

 private:
  static returns<labels> finish(fm_status status, const fm_error &err, fm_labels *out,
                                const context &parent) {
    return detail::finish<labels>(status, err, [&] { return labels(out, parent.origin()); });
  }
};

/* ---- What a network puts out ------------------------------------------------------------ */

/** fm_network_output: values, or queries with their class logits. */
struct network_output {
  volume values;
  plane class_logits;

  /** As the C interface has it. */
  fm_network_output c() const noexcept {
    fm_network_output out = fm_network_output();
    out.size = sizeof out;
    out.values = values.c();
    out.class_logits = class_logits.c();
    return out;
  }
};

/** fm_network_loss: output + mask -> losses. */
class network_loss : public detail::handle<fm_network_loss, fm_network_loss_destroy> {
 public:
  using handle::handle;
  static returns<network_loss> make(const labels &space, const network_loss_options &options) {
    fm_error err;
    fm_network_loss *out = nullptr;
    fm_status status = fm_network_loss_create(space.get(), &options, &out, &err);
    return detail::finish<network_loss>(status, err,
                                        [&] { return network_loss(out, space.origin()); });
  }
  /** Of a kind, all else by default. */
  static returns<network_loss> make(const labels &space, fm_output_kind kind) {
    network_loss_options options;
    options.kind = kind;
    return make(space, options);
  }
  returns<network_loss_options> options() const {
    fm_error err;
    network_loss_options out;
    fm_status status = fm_network_loss_get_options(get(), &out, &err);
    return detail::finish<network_loss_options>(status, err, [&] { return out; });
  }
  /** The label space as C has it; lives as long as this object. */
  const fm_labels *space() const noexcept { return fm_network_loss_labels(get()); }
  returns<void> map(const network_output &output, const plane &mask,
                    const view2d<float> &loss) const {
    fm_error err;
    const fm_network_output c = output.c();
    const fm_plane out = loss.plane();
    return detail::finish(fm_network_loss_map(get(), &c, &mask.c(), &out, &err), err);
  }
  /** The most likely class of each pixel that the mask has; -1 elsewhere. */
  returns<void> class_map(const network_output &output, const plane &mask,
                          const view2d<std::int32_t> &classes) const {
    fm_error err;
    const fm_network_output c = output.c();
    const fm_plane out = classes.plane();
    return detail::finish(fm_network_class_map(get(), &c, &mask.c(), &out, &err), err);
  }
};

/* ---- Class statistics ------------------------------------------------------------------- */

/** Of fm_class_stats_rank_tables: [classes][tables][bins] and [classes][256]. */
struct score_tables {
  std::vector<int16_t> steps;
  std::vector<uint16_t> code_bins;
};

/** fm_class_stats: exact sums, counts and histograms of the real losses. */
class class_stats : public detail::handle<fm_class_stats, fm_class_stats_destroy> {
 public:
  using handle::handle;
  static returns<class_stats> make(const labels &space, const class_stats_options &options = {}) {
    fm_error err;
    fm_class_stats *out = nullptr;
    fm_status status = fm_class_stats_create(space.get(), &options, &out, &err);
    return finish(status, err, out, space);
  }
  /** From a file of statistics. */
  static returns<class_stats> read(const labels &space, const std::string &path) {
    fm_error err;
    fm_class_stats *out = nullptr;
    fm_status status = fm_class_stats_read(space.get(), path.c_str(), &out, &err);
    return finish(status, err, out, space);
  }
  static returns<class_stats> decode(const labels &space, const void *data, std::size_t size) {
    fm_error err;
    fm_class_stats *out = nullptr;
    fm_status status = fm_class_stats_decode(space.get(), data, size, &out, &err);
    return finish(status, err, out, space);
  }
  returns<void> write(const std::string &path) const {
    fm_error err;
    return detail::finish(fm_class_stats_write(get(), path.c_str(), &err), err);
  }
  returns<bytes> encode() const {
    fm_error err;
    detail::bytes_sink sink;
    fm_status status = fm_class_stats_encode(get(), detail::bytes_sink::write, &sink, &err);
    return detail::finish<bytes>(status, err, [&] { return std::move(sink.bytes); });
  }
  /** From a blob. */
  static returns<class_stats> load(const labels &space, const bytes &blob) {
    fm_error err;
    fm_class_stats *out = nullptr;
    fm_status status = fm_class_stats_load(space.get(), blob.data(), blob.size(), &out, &err);
    return finish(status, err, out, space);
  }
  /** As a blob, for messages and checkpoints. */
  returns<bytes> save() const {
    fm_error err;
    bytes blob(fm_class_stats_blob_size(get()));
    fm_status status = fm_class_stats_save(get(), blob.data(), blob.size(), &err);
    return detail::finish<bytes>(status, err, [&] { return std::move(blob); });
  }

  /** A real image. */
  returns<void> add(const plane &mask, const plane &loss, const extra_planes &extra = {}) {
    fm_error err;
    const detail::extra_argument more(extra);
    return detail::finish(fm_class_stats_add(get(), &mask.c(), &loss.c(), more.get(), &err), err);
  }
  /** A real image by a network's output. */
  returns<void> add(const plane &mask, const network_loss &loss, const network_output &output,
                    const extra_planes &extra = {}) {
    fm_error err;
    const detail::extra_argument more(extra);
    const fm_network_output c = output.c();
    return detail::finish(
        fm_class_stats_add_output(get(), loss.get(), &c, &mask.c(), more.get(), &err), err);
  }
  returns<void> add_sums(const class_sums &sums) {
    fm_error err;
    return detail::finish(fm_class_stats_add_sums(get(), &sums, &err), err);
  }
  returns<void> merge(const class_stats &from) {
    fm_error err;
    return detail::finish(fm_class_stats_merge(get(), from.get(), &err), err);
  }
  void clear() noexcept { fm_class_stats_clear(get()); }
  returns<void> score_map(const plane &mask, const plane &loss, const view2d<float> &scores,
                          const extra_planes &extra = {}) const {
    fm_error err;
    const detail::extra_argument more(extra);
    const fm_plane out = scores.plane();
    return detail::finish(
        fm_class_stats_score_map(get(), &mask.c(), &loss.c(), more.get(), &out, &err), err);
  }
  returns<void> code_map(const plane &mask, const plane &loss, const view2d<uint8_t> &codes) const {
    fm_error err;
    const fm_plane out = codes.plane();
    return detail::finish(fm_class_stats_code_map(get(), &mask.c(), &loss.c(), &out, &err), err);
  }

  /** The words, whose element-wise sum is the merge: for MPI_SUM, all_reduce and the like. */
  returns<std::vector<int64_t>> words() const {
    fm_error err;
    const int64_t count = fm_class_stats_word_count(get());
    std::vector<int64_t> out(static_cast<std::size_t>(count > 0 ? count : 0));
    fm_status status = fm_class_stats_export(get(), out.data(), count, &err);
    return detail::finish<std::vector<int64_t>>(status, err, [&] { return std::move(out); });
  }
  returns<class_stats_layout> layout() const {
    fm_error err;
    class_stats_layout out;
    fm_status status = fm_class_stats_get_layout(get(), &out, &err);
    return detail::finish<class_stats_layout>(status, err, [&] { return out; });
  }
  /** Adds words. `layout` is that of their exporter. */
  returns<void> add_words(const std::vector<int64_t> &words, const class_stats_layout &layout) {
    return add_words(words, &layout);
  }
  /** Adds words of which nothing else is known. */
  returns<void> add_words(const std::vector<int64_t> &words) { return add_words(words, nullptr); }

  returns<class_stats_options> options() const {
    fm_error err;
    class_stats_options out;
    fm_status status = fm_class_stats_get_options(get(), &out, &err);
    return detail::finish<class_stats_options>(status, err, [&] { return out; });
  }
  /** Label space and ranks as C has them; they live as long as this object. */
  const fm_labels *space() const noexcept { return fm_class_stats_labels(get()); }
  const fm_class_stats *ranks() const noexcept { return fm_class_stats_ranks(get()); }
  /** What FM_SCORE_RANK is made of, for code that computes it elsewhere. */
  returns<score_tables> rank_tables() const {
    fm_error err;
    fm_class_stats_options made = {};
    made.size = sizeof made;
    score_tables out;
    if (ranks() && fm_class_stats_get_options(ranks(), &made, &err) == FM_OK) {
      const std::size_t classes = static_cast<std::size_t>(fm_labels_class_count(space()));
      const std::size_t tables = made.strata > 1 ? 1 + static_cast<std::size_t>(made.strata) : 1;
      out.steps.resize(classes * tables * (32 * static_cast<std::size_t>(made.histogram) + 2));
      out.code_bins.resize(classes * 256);
    }
    fm_status status = fm_class_stats_rank_tables(
        get(), out.steps.data(), detail::count64(out.steps.size()), out.code_bins.data(),
        detail::count64(out.code_bins.size()), &err);
    return detail::finish<score_tables>(status, err, [&] { return std::move(out); });
  }
  int64_t image_count() const noexcept { return fm_class_stats_image_count(get()); }
  int64_t pixel_count(int32_t k, int32_t stratum = FM_ALL_STRATA) const noexcept {
    return fm_class_stats_pixel_count(get(), k, stratum);
  }
  double mean(int32_t k, int32_t stratum = FM_ALL_STRATA) const noexcept {
    return fm_class_stats_mean(get(), k, stratum);
  }
  returns<std::vector<double>> means(int32_t stratum = FM_ALL_STRATA) const {
    fm_error err;
    const int32_t count = fm_labels_class_count(space());
    std::vector<double> out(static_cast<std::size_t>(count));
    fm_status status = fm_class_stats_means(get(), stratum, out.data(), count, &err);
    return detail::finish<std::vector<double>>(status, err, [&] { return std::move(out); });
  }
  returns<double> quantile(int32_t k, double q, int32_t stratum = FM_ALL_STRATA) const {
    fm_error err;
    double out = 0;
    fm_status status = fm_class_stats_quantile(get(), k, stratum, q, &out, &err);
    return detail::finish<double>(status, err, [&] { return out; });
  }

 private:
  returns<void> add_words(const std::vector<int64_t> &words, const fm_class_stats_layout *layout) {
    fm_error err;
    return detail::finish(
        fm_class_stats_import(get(), words.data(), detail::count64(words.size()), layout, &err),
        err);
  }
  static returns<class_stats> finish(fm_status status, const fm_error &err, fm_class_stats *out,
                                     const labels &space) {
    return detail::finish<class_stats>(status, err,
                                       [&] { return class_stats(out, space.origin()); });
  }
};

/* ---- Calibration ------------------------------------------------------------------------ */

/** fm_calibration: thresholds that keep a promise about images like the held-out real ones. */
class calibration : public detail::handle<fm_calibration, fm_calibration_destroy> {
 public:
  using handle::handle;
  static returns<calibration> make(const class_stats &stats) {
    fm_error err;
    fm_calibration *out = nullptr;
    fm_status status = fm_calibration_create(stats.get(), &out, &err);
    return detail::finish<calibration>(status, err,
                                       [&] { return calibration(out, stats.origin()); });
  }
  /** From a file of a calibration. */
  static returns<calibration> read(const labels &space, const std::string &path) {
    fm_error err;
    fm_calibration *out = nullptr;
    fm_status status = fm_calibration_read(space.get(), path.c_str(), &out, &err);
    return detail::finish<calibration>(status, err,
                                       [&] { return calibration(out, space.origin()); });
  }
  static returns<calibration> decode(const labels &space, const void *data, std::size_t size) {
    fm_error err;
    fm_calibration *out = nullptr;
    fm_status status = fm_calibration_decode(space.get(), data, size, &out, &err);
    return detail::finish<calibration>(status, err,
                                       [&] { return calibration(out, space.origin()); });
  }
  returns<void> write(const std::string &path) const {
    fm_error err;
    return detail::finish(fm_calibration_write(get(), path.c_str(), &err), err);
  }
  returns<bytes> encode() const {
    fm_error err;
    detail::bytes_sink sink;
    fm_status status = fm_calibration_encode(get(), detail::bytes_sink::write, &sink, &err);
    return detail::finish<bytes>(status, err, [&] { return std::move(sink.bytes); });
  }
  /** A held-out real image. */
  returns<void> add(const plane &mask, const plane &loss, const extra_planes &extra = {}) {
    fm_error err;
    const detail::extra_argument more(extra);
    return detail::finish(fm_calibration_add(get(), &mask.c(), &loss.c(), more.get(), &err), err);
  }
  returns<void> merge(const calibration &from) {
    fm_error err;
    return detail::finish(fm_calibration_merge(get(), from.get(), &err), err);
  }
  returns<std::vector<int64_t>> words() const {
    fm_error err;
    const int64_t count = fm_calibration_word_count(get());
    std::vector<int64_t> out(static_cast<std::size_t>(count > 0 ? count : 0));
    fm_status status = fm_calibration_export(get(), out.data(), count, &err);
    return detail::finish<std::vector<int64_t>>(status, err, [&] { return std::move(out); });
  }
  returns<class_stats_layout> layout() const {
    fm_error err;
    class_stats_layout out;
    fm_status status = fm_calibration_get_layout(get(), &out, &err);
    return detail::finish<class_stats_layout>(status, err, [&] { return out; });
  }
  /** Adds words. `layout` is that of their exporter. */
  returns<void> add_words(const std::vector<int64_t> &words, const class_stats_layout &layout) {
    fm_error err;
    return detail::finish(
        fm_calibration_import(get(), words.data(), detail::count64(words.size()), &layout, &err),
        err);
  }
  void clear() noexcept { fm_calibration_clear(get()); }
  /** Empty statistics of the same kind, as C has them; they live as long as this object. */
  const fm_class_stats *stats() const noexcept { return fm_calibration_stats(get()); }
  int64_t image_count(int32_t k = FM_ALL_CLASSES) const noexcept {
    return fm_calibration_image_count(get(), k);
  }
  /** How many images with a class the promise takes. */
  returns<int64_t> images_needed(const promise &kept = {}) const {
    fm_error err;
    int64_t out = 0;
    fm_status status = fm_calibration_images_needed(get(), &kept, &out, &err);
    return detail::finish<int64_t>(status, err, [&] { return out; });
  }
  returns<float> threshold(int32_t k, const promise &kept = {}) const {
    fm_error err;
    float out = 0;
    fm_status status = fm_calibration_threshold(get(), k, &kept, &out, &err);
    return detail::finish<float>(status, err, [&] { return out; });
  }
};

/* ---- The filter ------------------------------------------------------------------------- */

/** fm_filter_report: what a filter did to one image. */
struct filter_counts {
  int64_t valid = 0;   /**< pixels that had a class */
  int64_t dropped = 0; /**< the dropped ones among them */
};

/** The same by class and stratum. Its vectors are used again by the next call. */
struct filter_report : filter_counts {
  std::vector<int64_t> class_valid;     /**< [classes] */
  std::vector<int64_t> class_dropped;   /**< [classes] */
  std::vector<int64_t> stratum_valid;   /**< [classes][strata] */
  std::vector<int64_t> stratum_dropped; /**< [classes][strata] */
};

/** How many of the classes a filter can drop something of (fm_filter_reach). */
struct filter_reach {
  int32_t classes = 0;
  int32_t reached = 0;
};

/** fm_filter: which synthetic pixels not to trust. */
class filter : public detail::handle<fm_filter, fm_filter_destroy> {
 public:
  using handle::handle;
  static returns<filter> make(const class_stats &stats, const filter_options &options = {}) {
    fm_error err;
    fm_filter *out = nullptr;
    fm_status status = fm_filter_create(stats.get(), &options, &out, &err);
    return finish(status, err, out, stats.origin());
  }
  static returns<filter> make(const labels &space, const mean_table &means,
                              const filter_options &options = {}) {
    fm_error err;
    fm_filter *out = nullptr;
    fm_status status = fm_filter_create_from_means(space.get(), &means, &options, &out, &err);
    return finish(status, err, out, space.origin());
  }
  static returns<filter> make(const calibration &calibrated, const promise &kept,
                              const filter_options &options) {
    fm_error err;
    fm_filter *out = nullptr;
    fm_status status = fm_filter_create_calibrated(calibrated.get(), &kept, &options, &out, &err);
    return finish(status, err, out, calibrated.origin());
  }
  returns<filter_options> options() const {
    fm_error err;
    filter_options out;
    fm_status status = fm_filter_get_options(get(), &out, &err);
    return detail::finish<filter_options>(status, err, [&] { return out; });
  }
  /** Label space and ranks as C has them; they live as long as this object. */
  const fm_labels *space() const noexcept { return fm_filter_labels(get()); }
  const fm_class_stats *ranks() const noexcept { return fm_filter_ranks(get()); }
  int32_t stratum_count() const noexcept { return fm_filter_stratum_count(get()); }
  float threshold(int32_t k, int32_t stratum = 0) const noexcept {
    return fm_filter_threshold(get(), k, stratum);
  }
  /** [classes][strata] */
  returns<std::vector<float>> thresholds() const {
    fm_error err;
    std::vector<float> out(cells());
    fm_status status = fm_filter_thresholds(get(), out.data(), detail::count64(out.size()), &err);
    return detail::finish<std::vector<float>>(status, err, [&] { return std::move(out); });
  }
  returns<filter_reach> reach(const class_stats &stats) const {
    fm_error err;
    filter_reach out;
    fm_status status = fm_filter_reach(get(), stats.get(), &out.classes, &out.reached, &err);
    return detail::finish<filter_reach>(status, err, [&] { return out; });
  }

  /** Filters a mask by its loss map. `filtered` may be the same memory as `mask`. */
  returns<filter_counts> apply(const plane &mask, const plane &loss, const writable_plane &filtered,
                               const extra_planes &extra = {}) const {
    return counted(
        extra, [&](const fm_extra_planes *more, fm_filter_report *report, fm_error *err) {
          return fm_filter_apply(get(), &mask.c(), &loss.c(), more, &filtered.c(), report, err);
        });
  }
  /** The same, counted by class and stratum. */
  returns<void> apply(const plane &mask, const plane &loss, const writable_plane &filtered,
                      filter_report &report, const extra_planes &extra = {}) const {
    return reported(
        report, extra, [&](const fm_extra_planes *more, fm_filter_report *c, fm_error *err) {
          return fm_filter_apply(get(), &mask.c(), &loss.c(), more, &filtered.c(), c, err);
        });
  }
  /** Filters a mask by a network's output. */
  returns<filter_counts> apply(const plane &mask, const network_loss &loss,
                               const network_output &output, const writable_plane &filtered,
                               const extra_planes &extra = {}) const {
    const fm_network_output c = output.c();
    return counted(extra,
                   [&](const fm_extra_planes *more, fm_filter_report *report, fm_error *err) {
                     return fm_filter_apply_output(get(), loss.get(), &c, &mask.c(), more,
                                                   &filtered.c(), report, err);
                   });
  }
  /** Weights instead of a filtered mask. */
  returns<filter_counts> weigh(const plane &mask, const plane &loss, const writable_plane &weights,
                               const weight_options &options = {},
                               const extra_planes &extra = {}) const {
    return counted(extra,
                   [&](const fm_extra_planes *more, fm_filter_report *report, fm_error *err) {
                     return fm_filter_weigh(get(), &mask.c(), &loss.c(), more, &options,
                                            &weights.c(), report, err);
                   });
  }
  /** Weights by a network's output. */
  returns<filter_counts> weigh(const plane &mask, const network_loss &loss,
                               const network_output &output, const writable_plane &weights,
                               const weight_options &options = {},
                               const extra_planes &extra = {}) const {
    const fm_network_output c = output.c();
    return counted(extra,
                   [&](const fm_extra_planes *more, fm_filter_report *report, fm_error *err) {
                     return fm_filter_weigh_output(get(), loss.get(), &c, &mask.c(), more, &options,
                                                   &weights.c(), report, err);
                   });
  }

 private:
  std::size_t cells() const {
    return static_cast<std::size_t>(fm_labels_class_count(space())) *
           static_cast<std::size_t>(stratum_count());
  }
  template <class Call>
  returns<filter_counts> counted(const extra_planes &extra, Call &&call) const {
    fm_error err;
    const detail::extra_argument more(extra);
    sized<fm_filter_report> c;
    fm_status status = call(more.get(), &c, &err);
    return detail::finish<filter_counts>(status, err, [&] {
      filter_counts counts;
      counts.valid = c.valid;
      counts.dropped = c.dropped;
      return counts;
    });
  }
  template <class Call>
  returns<void> reported(filter_report &report, const extra_planes &extra, Call &&call) const {
    fm_error err;
    const detail::extra_argument more(extra);
    const auto classes = static_cast<std::size_t>(fm_labels_class_count(space()));
    report.class_valid.resize(classes);
    report.class_dropped.resize(classes);
    report.stratum_valid.resize(cells());
    report.stratum_dropped.resize(cells());
    sized<fm_filter_report> c;
    c.class_valid = report.class_valid.data();
    c.class_dropped = report.class_dropped.data();
    c.stratum_valid = report.stratum_valid.data();
    c.stratum_dropped = report.stratum_dropped.data();
    fm_status status = call(more.get(), &c, &err);
    if (status == FM_OK) {
      report.valid = c.valid;
      report.dropped = c.dropped;
    }
    return detail::finish(status, err);
  }
  static returns<filter> finish(fm_status status, const fm_error &err, fm_filter *out,
                                const std::shared_ptr<const void> &origin) {
    return detail::finish<filter>(status, err, [&] { return filter(out, origin); });
  }
};

/* ---- Hardness --------------------------------------------------------------------------- */

/** The hardness of a mask, and the valid pixels that it was measured on. */
struct measured {
  double hardness = 0;
  int64_t valid_pixels = 0;
};

/** fm_hardness: how hard a real mask is. */
class hardness : public detail::handle<fm_hardness, fm_hardness_destroy> {
 public:
  using handle::handle;
  static returns<hardness> make(const class_stats &stats, const hardness_options &options = {}) {
    fm_error err;
    fm_hardness *out = nullptr;
    fm_status status = fm_hardness_create(stats.get(), &options, &out, &err);
    return detail::finish<hardness>(status, err, [&] { return hardness(out, stats.origin()); });
  }
  static returns<hardness> make(const labels &space, const mean_table &means,
                                const hardness_options &options = {}) {
    fm_error err;
    fm_hardness *out = nullptr;
    fm_status status = fm_hardness_create_from_means(space.get(), &means, &options, &out, &err);
    return detail::finish<hardness>(status, err, [&] { return hardness(out, space.origin()); });
  }
  returns<hardness_options> options() const {
    fm_error err;
    hardness_options out;
    fm_status status = fm_hardness_get_options(get(), &out, &err);
    return detail::finish<hardness_options>(status, err, [&] { return out; });
  }
  const fm_labels *space() const noexcept { return fm_hardness_labels(get()); }
  returns<std::vector<double>> means() const {
    fm_error err;
    const int32_t count = fm_labels_class_count(space());
    std::vector<double> out(static_cast<std::size_t>(count));
    fm_status status = fm_hardness_means(get(), out.data(), count, &err);
    return detail::finish<std::vector<double>>(status, err, [&] { return std::move(out); });
  }
  returns<measured> measure(const plane &mask) const {
    fm_error err;
    measured out;
    fm_status status =
        fm_hardness_measure(get(), &mask.c(), &out.hardness, &out.valid_pixels, &err);
    return detail::finish<measured>(status, err, [&] { return out; });
  }
  /** By the losses of this very image. */
  returns<measured> measure(const plane &mask, const plane &loss) const {
    fm_error err;
    measured out;
    fm_status status = fm_hardness_measure_loss(get(), &mask.c(), &loss.c(), &out.hardness,
                                                &out.valid_pixels, &err);
    return detail::finish<measured>(status, err, [&] { return out; });
  }
};

/** fm_shape_measure: how ragged each class of a mask is, before there are losses. */
inline returns<std::vector<int64_t>> shape_complexity(const labels &space, const plane &mask) {
  fm_error err;
  std::vector<int64_t> complexity(static_cast<std::size_t>(space.class_count()));
  fm_status status =
      fm_shape_measure(space.get(), &mask.c(), complexity.data(), space.class_count(), &err);
  return detail::finish<std::vector<int64_t>>(status, err, [&] { return std::move(complexity); });
}

/** fm_shape_hardness: both are [classes]. NaN if their sizes differ. */
inline double shape_hardness(const std::vector<int64_t> &complexity,
                             const std::vector<int64_t> &totals) noexcept {
  if (complexity.size() != totals.size()) return std::numeric_limits<double>::quiet_NaN();
  return fm_shape_hardness(complexity.data(), totals.data(), detail::count32(totals.size()));
}

/* ---- Plans ------------------------------------------------------------------------------ */

/** fm_plan: how many synthetic images each mask gets, and with which seeds. */
class plan : public detail::handle<fm_plan, fm_plan_destroy> {
 public:
  using handle::handle;
  static returns<plan> make(const context &parent, const plan_rows &rows) {
    fm_error err;
    fm_plan *out = nullptr;
    fm_status status = fm_plan_create(parent.get(), &rows, &out, &err);
    return detail::finish<plan>(status, err, [&] { return plan(out, parent.origin()); });
  }
  static returns<plan> read(const context &parent, const std::string &path) {
    fm_error err;
    fm_plan *out = nullptr;
    fm_status status = fm_plan_read(parent.get(), path.c_str(), &out, &err);
    return detail::finish<plan>(status, err, [&] { return plan(out, parent.origin()); });
  }
  static returns<plan> decode(const context &parent, const void *data, std::size_t size) {
    fm_error err;
    fm_plan *out = nullptr;
    fm_status status = fm_plan_decode(parent.get(), data, size, &out, &err);
    return detail::finish<plan>(status, err, [&] { return plan(out, parent.origin()); });
  }
  returns<void> write(const std::string &path) const {
    fm_error err;
    return detail::finish(fm_plan_write(get(), path.c_str(), &err), err);
  }
  returns<bytes> encode() const {
    fm_error err;
    detail::bytes_sink sink;
    fm_status status = fm_plan_encode(get(), detail::bytes_sink::write, &sink, &err);
    return detail::finish<bytes>(status, err, [&] { return std::move(sink.bytes); });
  }
  int64_t mask_count() const noexcept { return fm_plan_mask_count(get()); }
  int64_t image_count() const noexcept { return fm_plan_image_count(get()); }
  int64_t real_repeats() const noexcept { return fm_plan_real_repeats(get()); }
  uint64_t fingerprint() const noexcept { return fm_plan_fingerprint(get()); }
  /** -1 if the plan does not have the mask. */
  int64_t find(const std::string &mask_id) const noexcept {
    return fm_plan_find(get(), mask_id.c_str());
  }
  /** A row; its pointers live as long as the plan. */
  returns<plan_entry> row(int64_t index) const {
    fm_error err;
    plan_entry out;
    fm_status status = fm_plan_get(get(), index, &out, &err);
    return detail::finish<plan_entry>(status, err, [&] { return out; });
  }
};

/** fm_planner: collects masks, makes plans. */
class planner : public detail::handle<fm_planner, fm_planner_destroy> {
 public:
  using handle::handle;
  static returns<planner> make(const context &parent, const planner_options &options = {}) {
    fm_error err;
    fm_planner *out = nullptr;
    fm_status status = fm_planner_create(parent.get(), &options, &out, &err);
    return detail::finish<planner>(status, err, [&] { return planner(out, parent.origin()); });
  }
  returns<planner_options> options() const {
    fm_error err;
    planner_options out;
    fm_status status = fm_planner_get_options(get(), &out, &err);
    return detail::finish<planner_options>(status, err, [&] { return out; });
  }
  returns<void> add(const std::string &mask_id, double mask_hardness,
                    const std::vector<int64_t> &class_pixels = {}) {
    fm_error err;
    return detail::finish(fm_planner_add(get(), mask_id.c_str(), mask_hardness,
                                         class_pixels.empty() ? nullptr : class_pixels.data(),
                                         detail::count32(class_pixels.size()), &err),
                          err);
  }
  returns<void> keep(const std::string &mask_id, const std::vector<int64_t> &seeds) {
    fm_error err;
    return detail::finish(
        fm_planner_keep(get(), mask_id.c_str(), seeds.data(), detail::count64(seeds.size()), &err),
        err);
  }
  int64_t mask_count() const noexcept { return fm_planner_mask_count(get()); }
  int64_t find(const std::string &mask_id) const noexcept {
    return fm_planner_find(get(), mask_id.c_str());
  }
  returns<planner_row> row(int64_t index) const {
    fm_error err;
    planner_row out;
    fm_status status = fm_planner_get(get(), index, &out, &err);
    return detail::finish<planner_row>(status, err, [&] { return out; });
  }
  returns<plan> make_plan() const {
    fm_error err;
    fm_plan *out = nullptr;
    fm_status status = fm_planner_make_plan(get(), &out, &err);
    return detail::finish<plan>(status, err, [&] { return plan(out, origin()); });
  }
  /** With counts of your own, one for each mask in the order of adding. */
  returns<plan> make_plan(const std::vector<uint32_t> &counts) const {
    fm_error err;
    fm_plan *out = nullptr;
    fm_status status =
        fm_planner_make_plan_of(get(), counts.data(), detail::count64(counts.size()), &out, &err);
    return detail::finish<plan>(status, err, [&] { return plan(out, origin()); });
  }
  /** fm_yield_count_images: a budget that knows what filtering keeps. */
  static returns<std::vector<uint32_t>> count_yield(const context &parent,
                                                    const yield_table &table) {
    fm_error err;
    std::vector<uint32_t> counts(
        static_cast<std::size_t>(table.mask_count > 0 ? table.mask_count : 0));
    fm_status status = fm_yield_count_images(parent.get(), &table, counts.data(), &err);
    return detail::finish<std::vector<uint32_t>>(status, err, [&] { return std::move(counts); });
  }
  /** The counts alone, for very many masks. */
  static returns<std::vector<uint32_t>> count_images(const context &parent,
                                                     const planner_options &options,
                                                     const planner_table &table) {
    fm_error err;
    std::vector<uint32_t> counts(
        static_cast<std::size_t>(table.mask_count > 0 ? table.mask_count : 0));
    fm_status status = fm_planner_count_images(parent.get(), &options, &table, counts.data(), &err);
    return detail::finish<std::vector<uint32_t>>(status, err, [&] { return std::move(counts); });
  }
};

/** fm_ranking: the paper's counts for masks that are spread over many machines. */
class ranking : public detail::handle<fm_ranking, fm_ranking_destroy> {
 public:
  using handle::handle;
  static returns<ranking> make(const context &parent, int32_t n_max = 0) {
    fm_error err;
    fm_ranking *out = nullptr;
    fm_status status = fm_ranking_create(parent.get(), n_max, &out, &err);
    return detail::finish<ranking>(status, err, [&] { return ranking(out, parent.origin()); });
  }
  /** Masks of this part: ids and hardness, as many. */
  returns<void> add(const std::vector<std::string> &mask_ids, const std::vector<double> &hardness) {
    fm_error err;
    std::vector<const char *> ids = pointers(mask_ids);
    return detail::finish(
        fm_ranking_add(get(), ids.data(), hardness.data(), count_of(ids, hardness), &err), err);
  }
  /** The words of this part and pass. */
  returns<std::vector<int64_t>> words() const {
    fm_error err;
    std::vector<int64_t> out(static_cast<std::size_t>(fm_ranking_word_count(get())));
    fm_status status = fm_ranking_export(get(), out.data(), detail::count64(out.size()), &err);
    return detail::finish<std::vector<int64_t>>(status, err, [&] { return std::move(out); });
  }
  /** Ends the pass with the sum of the words of all parts. */
  returns<void> advance(const std::vector<int64_t> &sum) {
    fm_error err;
    return detail::finish(fm_ranking_advance(get(), sum.data(), detail::count64(sum.size()), &err),
                          err);
  }
  bool is_done() const noexcept { return fm_ranking_is_done(get()) != 0; }
  bool uses_ids() const noexcept { return fm_ranking_uses_ids(get()) != 0; }
  int32_t pass_count() const noexcept { return fm_ranking_pass_count(get()); }
  int64_t mask_count() const noexcept { return fm_ranking_mask_count(get()); }
  int64_t image_count() const noexcept { return fm_ranking_image_count(get()); }
  /** What these masks get. */
  returns<std::vector<uint32_t>> count_images(const std::vector<std::string> &mask_ids,
                                              const std::vector<double> &hardness) const {
    fm_error err;
    std::vector<const char *> ids = pointers(mask_ids);
    std::vector<uint32_t> counts(hardness.size());
    fm_status status = fm_ranking_count_images(get(), ids.data(), hardness.data(),
                                               count_of(ids, hardness), counts.data(), &err);
    return detail::finish<std::vector<uint32_t>>(status, err, [&] { return std::move(counts); });
  }

 private:
  static std::vector<const char *> pointers(const std::vector<std::string> &texts) {
    std::vector<const char *> out;
    out.reserve(texts.size());
    for (const std::string &text : texts) out.push_back(text.c_str());
    return out;
  }
  /** -1, which is refused, if they are not as many. */
  static int64_t count_of(const std::vector<const char *> &ids,
                          const std::vector<double> &hardness) {
    return ids.size() == hardness.size() ? detail::count64(ids.size()) : -1;
  }
};

/* ---- Schedules -------------------------------------------------------------------------- */

/** fm_schedule: in which order to train. */
class schedule : public detail::handle<fm_schedule, fm_schedule_destroy> {
 public:
  using handle::handle;
  using state = std::array<unsigned char, FM_SCHEDULE_STATE_SIZE>;

  static returns<schedule> make(const context &parent, const plan &of,
                                const schedule_options &options = {}) {
    return make(parent, of.get(), options);
  }
  /** Without a plan: the options say how many images there are. */
  static returns<schedule> make(const context &parent, const schedule_options &options) {
    return make(parent, nullptr, options);
  }
  returns<schedule_options> options() const {
    fm_error err;
    schedule_options out;
    fm_status status = fm_schedule_get_options(get(), &out, &err);
    return detail::finish<schedule_options>(status, err, [&] { return out; });
  }
  returns<schedule_entry> at(int64_t position) const {
    fm_error err;
    schedule_entry out;
    fm_status status = fm_schedule_at(get(), position, &out, &err);
    return detail::finish<schedule_entry>(status, err, [&] { return out; });
  }
  returns<schedule_entry> next() {
    fm_error err;
    schedule_entry out;
    fm_status status = fm_schedule_next(get(), &out, &err);
    return detail::finish<schedule_entry>(status, err, [&] { return out; });
  }
  returns<void> fill(int64_t position, int64_t count, const schedule_arrays &arrays) const {
    fm_error err;
    return detail::finish(fm_schedule_fill(get(), position, count, &arrays, &err), err);
  }
  returns<void> next_many(int64_t count, const schedule_arrays &arrays) {
    fm_error err;
    return detail::finish(fm_schedule_next_many(get(), count, &arrays, &err), err);
  }
  int64_t position() const noexcept { return fm_schedule_position(get()); }
  returns<void> seek(int64_t position) {
    fm_error err;
    return detail::finish(fm_schedule_seek(get(), position, &err), err);
  }
  int64_t epoch_start(int64_t epoch) const noexcept {
    return fm_schedule_epoch_start(get(), epoch);
  }
  int64_t epoch_length(int64_t epoch) const noexcept {
    return fm_schedule_epoch_length(get(), epoch);
  }
  uint64_t fingerprint() const noexcept { return fm_schedule_fingerprint(get()); }
  returns<state> save() const {
    fm_error err;
    state out{};
    fm_status status = fm_schedule_save(get(), out.data(), out.size(), &err);
    return detail::finish<state>(status, err, [&] { return out; });
  }
  returns<void> restore(const state &saved) {
    fm_error err;
    return detail::finish(fm_schedule_restore(get(), saved.data(), saved.size(), &err), err);
  }

 private:
  static returns<schedule> make(const context &parent, const fm_plan *of,
                                const schedule_options &options) {
    fm_error err;
    fm_schedule *out = nullptr;
    fm_status status = fm_schedule_create(parent.get(), of, &options, &out, &err);
    return detail::finish<schedule>(status, err, [&] { return schedule(out, parent.origin()); });
  }
};

/* ---- Data loader and segmenter of the host ---------------------------------------------- */

/** One image of a set, as a source hands it out. What the planes show lives until the sample goes:
 *  memory of your own, or memory that `keep` holds. */
struct sample {
  std::string id; /**< required, distinct in its set */
  plane mask;     /**< required */
  volume image;
  plane strata;
  plane reference;
  std::shared_ptr<const void> keep;
};

namespace detail {

/** Runs a callback of C++ for C: what it throws waits here until the loop has returned. */
class carrier {
 public:
  template <class Call>
  int run(Call &&call) noexcept {
#ifdef __cpp_exceptions
    try {
      call();
      return 0;
    } catch (...) {
      thrown_ = std::current_exception();
      return -1;
    }
#else
    call();
    return 0;
#endif
  }
  /** Throws what a callback threw. */
  void rethrow() {
#ifdef __cpp_exceptions
    if (std::exception_ptr thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
#endif
  }

 private:
#ifdef __cpp_exceptions
  std::exception_ptr thrown_;
#endif
};

}  // namespace detail

/** fm_source: the host's data loader. */
class source : public detail::handle<fm_source, fm_source_destroy> {
 public:
  /** Hands out sample number `index`. */
  using get_function = std::function<sample(int64_t index)>;

  /** `get` lives as long as the source. It may throw: the loop then ends with what it threw. */
  static returns<source> make(const context &parent, int64_t count, get_function get) {
    fm_error err;
    fm_source *out = nullptr;
    auto own = std::make_shared<callbacks>();
    own->get = std::move(get);
    own->origin = parent.origin();
    sized<fm_source_options> options;
    options.count = count;
    options.get = get_sample;
    options.release = release_sample;
    options.user = own.get();
    fm_status status = fm_source_create(parent.get(), &options, &out, &err);
    return detail::finish<source>(status, err, [&] { return source(out, std::move(own)); });
  }
  source() = default;
  int64_t count() const noexcept { return fm_source_count(get()); }
  /** Throws what the last loop's `get` threw; loops do so themselves. */
  void rethrow() const {
    if (own_) own_->carried.rethrow();
  }

 private:
  struct callbacks {
    get_function get;
    detail::carrier carried;
    std::shared_ptr<const void> origin;
  };
  source(fm_source *owned, std::shared_ptr<callbacks> own) : handle(owned, own), own_(own.get()) {}
  static int get_sample(int64_t index, fm_sample *c, void *user) {
    auto *own = static_cast<callbacks *>(user);
    return own->carried.run([&] {
      auto mine = std::make_unique<sample>(own->get(index));
      c->id = mine->id.c_str();
      c->mask = mine->mask.c();
      c->image = mine->image.c();
      c->strata = mine->strata.c();
      c->reference = mine->reference.c();
      c->user = mine.release();
    });
  }
  static void release_sample(fm_sample *c, void *) { delete static_cast<sample *>(c->user); }
  callbacks *own_ = nullptr;
};

/** What a segmenter is asked for: the losses, or the network's output, of one sample. */
class prediction {
 public:
  /** For the loops; not for hosts. */
  prediction(const fm_sample &of, fm_prediction &c) noexcept : of_(of), c_(c) {}

  const sample &input() const noexcept { return *static_cast<const sample *>(of_.user); }
  /** Where the losses go, in memory of the library: a plane of the mask's size. Not for providers
   *  with a network_loss. */
  view2d<float> loss() const noexcept {
    return {static_cast<float *>(c_.loss.data), c_.loss.height, c_.loss.width};
  }
  /** Losses in memory of yours, which `keep` holds. */
  void set_loss(const plane &losses, std::shared_ptr<const void> keep = nullptr) {
    hold(std::move(keep));
    c_.loss = losses.c();
  }
  /** The network's output, for providers with a network_loss. */
  void set_output(const network_output &output, std::shared_ptr<const void> keep = nullptr) {
    hold(std::move(keep));
    if (c_.output) *c_.output = output.c();
  }

 private:
  void hold(std::shared_ptr<const void> keep) {
    delete static_cast<std::shared_ptr<const void> *>(c_.user);
    c_.user = nullptr;
    if (keep) c_.user = new std::shared_ptr<const void>(std::move(keep));
  }
  const fm_sample &of_;
  fm_prediction &c_;
};

/** fm_provider: the host's segmenter. Its loops need sources of this header. */
class provider : public detail::handle<fm_provider, fm_provider_destroy> {
 public:
  /** Predicts a batch. */
  using predict_function = std::function<void(std::vector<prediction> &batch)>;

  /** A segmenter that puts losses out. `predict` lives as long as the provider and may throw. */
  static returns<provider> make(const context &parent, predict_function predict,
                                int32_t batch = 1) {
    return make(parent, nullptr, std::move(predict), batch);
  }
  /** A segmenter whose outputs `loss` turns into losses. */
  static returns<provider> make(const context &parent, const network_loss &loss,
                                predict_function predict, int32_t batch = 1) {
    return make(parent, loss.get(), std::move(predict), batch);
  }
  provider() = default;
  /** Throws what the last loop's `predict` threw; loops do so themselves. */
  void rethrow() const {
    if (own_) own_->carried.rethrow();
  }

 private:
  struct callbacks {
    predict_function predict;
    detail::carrier carried;
    std::shared_ptr<const void> origin;
  };
  provider(fm_provider *owned, std::shared_ptr<callbacks> own)
      : handle(owned, own), own_(own.get()) {}
  static returns<provider> make(const context &parent, const fm_network_loss *loss,
                                predict_function predict, int32_t batch) {
    fm_error err;
    fm_provider *out = nullptr;
    auto own = std::make_shared<callbacks>();
    own->predict = std::move(predict);
    own->origin = parent.origin();
    sized<fm_provider_options> options;
    options.predict = predict_batch;
    options.release = release_prediction;
    options.user = own.get();
    options.network_loss = loss;
    options.batch = batch;
    fm_status status = fm_provider_create(parent.get(), &options, &out, &err);
    return detail::finish<provider>(status, err, [&] { return provider(out, std::move(own)); });
  }
  static int predict_batch(const fm_sample *const *samples, fm_prediction *const *predictions,
                           int64_t count, void *user) {
    auto *own = static_cast<callbacks *>(user);
    const int stopped = own->carried.run([&] {
      std::vector<prediction> batch;
      batch.reserve(static_cast<std::size_t>(count));
      for (int64_t i = 0; i < count; i++) batch.emplace_back(*samples[i], *predictions[i]);
      own->predict(batch);
    });
    // The library releases no prediction of a batch that failed.
    if (stopped != 0)
      for (int64_t i = 0; i < count; i++) release_prediction(predictions[i], nullptr);
    return stopped;
  }
  static void release_prediction(fm_prediction *c, void *) {
    delete static_cast<std::shared_ptr<const void> *>(c->user);
    c->user = nullptr;
  }
  callbacks *own_ = nullptr;
};

/** Called after each sample. */
using progress_function = std::function<void(int64_t finished, int64_t total)>;

/** One filtered mask; everything is borrowed for the call. */
struct filtered_sample {
  const sample &input;
  plane mask;
  const fm_filter_report &report; /**< with all arrays */
};
using filtered_function = std::function<void(const filtered_sample &)>;

namespace detail {

/** Options of a loop with a progress function. */
class loop_argument {
 public:
  loop_argument(const loop_options &options, const progress_function &progress)
      : options_(options), progress_(progress) {
    if (!progress_) return;
    options_.progress_user = this;
    options_.progress = [](int64_t finished, int64_t total, void *user) {
      auto *self = static_cast<loop_argument *>(user);
      return self->carried_.run([&] { self->progress_(finished, total); });
    };
  }
  loop_argument(const loop_argument &) = delete;
  const fm_loop_options *get() const { return &options_; }
  void rethrow() { carried_.rethrow(); }

 private:
  loop_options options_;
  const progress_function &progress_;
  carrier carried_;
};

}  // namespace detail

/** fm_source_collect_stats: adds all samples of a real set. */
inline returns<void> collect_stats(source &real, provider &segmenter, class_stats &stats,
                                   const loop_options &options = {},
                                   const progress_function &progress = nullptr) {
  fm_error err;
  detail::loop_argument loop(options, progress);
  fm_status status =
      fm_source_collect_stats(real.get(), segmenter.get(), stats.get(), loop.get(), &err);
  if (status == FM_ERR_CALLBACK) {
    real.rethrow();
    segmenter.rethrow();
    loop.rethrow();
  }
  return detail::finish(status, err);
}

/** fm_source_filter: filters all samples of a synthetic set and hands each result over. */
inline returns<void> filter_all(source &synthetic, provider &segmenter, const filter &by,
                                const filtered_function &filtered, const loop_options &options = {},
                                const progress_function &progress = nullptr) {
  struct target {
    const filtered_function &call;
    detail::carrier carried;
  } to{filtered, {}};
  fm_error err;
  detail::loop_argument loop(options, progress);
  const auto hand_over = [](const fm_sample *c, const fm_plane *mask,
                            const fm_filter_report *report, void *user) {
    auto *self = static_cast<target *>(user);
    return self->carried.run([&] {
      self->call({*static_cast<const sample *>(c->user), plane(*mask), *report});
    });
  };
  fm_status status = fm_source_filter(synthetic.get(), segmenter.get(), by.get(), hand_over, &to,
                                      loop.get(), &err);
  if (status == FM_ERR_CALLBACK) {
    synthetic.rethrow();
    segmenter.rethrow();
    loop.rethrow();
    to.carried.rethrow();
  }
  return detail::finish(status, err);
}

/** fm_source_measure: adds each mask of a real set with its hardness to a planner. */
inline returns<void> measure_all(source &real, const hardness &by, planner &into,
                                 const loop_options &options = {},
                                 const progress_function &progress = nullptr) {
  fm_error err;
  detail::loop_argument loop(options, progress);
  fm_status status = fm_source_measure(real.get(), by.get(), into.get(), loop.get(), &err);
  if (status == FM_ERR_CALLBACK) {
    real.rethrow();
    loop.rethrow();
  }
  return detail::finish(status, err);
}

/* ---- Maps ------------------------------------------------------------------------------- */

inline returns<void> resize_nearest(const context &parent, const plane &from,
                                    const writable_plane &to) {
  fm_error err;
  return detail::finish(fm_map_resize_nearest(parent.get(), &from.c(), &to.c(), &err), err);
}

inline returns<void> boundary_strata(const context &parent, const plane &mask,
                                     const view2d<uint8_t> &strata,
                                     const boundary_options &options = {}) {
  fm_error err;
  const fm_plane out = strata.plane();
  return detail::finish(fm_map_boundary_strata(parent.get(), &mask.c(), &options, &out, &err), err);
}

inline returns<void> window_mean(const context &parent, const plane &mask, const plane &values,
                                 int32_t radius, const view2d<float> &means) {
  fm_error err;
  const fm_plane out = means.plane();
  return detail::finish(
      fm_map_window_mean(parent.get(), &mask.c(), &values.c(), radius, &out, &err), err);
}

/* ---- Files ------------------------------------------------------------------------------ */

/** fm_raster: pixels that the library read. */
class raster : public detail::handle<fm_raster, fm_raster_destroy> {
 public:
  using handle::handle;
  static returns<raster> read_mask(const context &parent, const std::string &path,
                                   const read_options &options = {}) {
    return read(fm_mask_read, parent, path, options);
  }
  static returns<raster> read_colors(const context &parent, const std::string &path,
                                     const read_options &options = {}) {
    return read(fm_colors_read, parent, path, options);
  }
  static returns<raster> read_loss(const context &parent, const std::string &path,
                                   const read_options &options = {}) {
    return read(fm_loss_read, parent, path, options);
  }
  static returns<raster> read_output(const context &parent, const std::string &path,
                                     const read_options &options = {}) {
    return read(fm_output_read, parent, path, options);
  }
  static returns<raster> read_queries(const context &parent, const std::string &path,
                                      const read_options &options = {}) {
    return read(fm_queries_read, parent, path, options);
  }
  static returns<raster> read_image(const context &parent, const std::string &path,
                                    const read_options &options = {}) {
    return read(fm_image_read, parent, path, options);
  }
  static returns<raster> decode_mask(const context &parent, const void *data, std::size_t size,
                                     const read_options &options = {}) {
    return decode(fm_mask_decode, parent, data, size, options);
  }
  static returns<raster> decode_colors(const context &parent, const void *data, std::size_t size,
                                       const read_options &options = {}) {
    return decode(fm_colors_decode, parent, data, size, options);
  }
  static returns<raster> decode_loss(const context &parent, const void *data, std::size_t size,
                                     const read_options &options = {}) {
    return decode(fm_loss_decode, parent, data, size, options);
  }
  static returns<raster> decode_output(const context &parent, const void *data, std::size_t size,
                                       const read_options &options = {}) {
    return decode(fm_output_decode, parent, data, size, options);
  }
  static returns<raster> decode_queries(const context &parent, const void *data, std::size_t size,
                                        const read_options &options = {}) {
    return decode(fm_queries_decode, parent, data, size, options);
  }
  static returns<raster> decode_image(const context &parent, const void *data, std::size_t size,
                                      const read_options &options = {}) {
    return decode(fm_image_decode, parent, data, size, options);
  }
  /** The pixels, which live as long as the raster and may be written. */
  writable_plane pixels() const noexcept { return writable_plane(fm_raster_plane(get())); }
  volume channels() const noexcept { return volume(fm_raster_volume(get())); }
  /** Both, as what a network puts out. */
  network_output output() const noexcept { return {channels(), pixels()}; }
  int32_t bit_depth() const noexcept { return fm_raster_bit_depth(get()); }
  int32_t palette_size() const noexcept { return fm_raster_palette_size(get()); }
  int32_t orientation() const noexcept { return fm_raster_orientation(get()); }
  returns<std::array<uint8_t, 3>> palette_entry(int32_t index) const {
    fm_error err;
    std::array<uint8_t, 3> rgb{};
    fm_status status = fm_raster_palette_entry(get(), index, rgb.data(), &err);
    return detail::finish<std::array<uint8_t, 3>>(status, err, [&] { return rgb; });
  }

 private:
  using read_call = fm_status (*)(const fm_context *, const char *, const fm_read_options *,
                                  fm_raster **, fm_error *);
  using decode_call = fm_status (*)(const fm_context *, const void *, std::size_t,
                                    const fm_read_options *, fm_raster **, fm_error *);
  static returns<raster> read(read_call call, const context &parent, const std::string &path,
                              const read_options &options) {
    fm_error err;
    fm_raster *out = nullptr;
    fm_status status = call(parent.get(), path.c_str(), &options, &out, &err);
    return detail::finish<raster>(status, err, [&] { return raster(out, parent.origin()); });
  }
  static returns<raster> decode(decode_call call, const context &parent, const void *data,
                                std::size_t size, const read_options &options) {
    fm_error err;
    fm_raster *out = nullptr;
    fm_status status = call(parent.get(), data, size, &options, &out, &err);
    return detail::finish<raster>(status, err, [&] { return raster(out, parent.origin()); });
  }
};

inline returns<void> write_file(const context &parent, const std::string &path, const void *data,
                                std::size_t size) {
  fm_error err;
  return detail::finish(fm_file_write(parent.get(), path.c_str(), data, size, &err), err);
}

inline returns<void> write_mask(const context &parent, const std::string &path, const plane &mask,
                                const write_options &options = {}) {
  fm_error err;
  return detail::finish(fm_mask_write(parent.get(), path.c_str(), &mask.c(), &options, &err), err);
}

inline returns<bytes> encode_mask(const context &parent, const plane &mask,
                                  const write_options &options = {}) {
  fm_error err;
  detail::bytes_sink sink;
  fm_status status =
      fm_mask_encode(parent.get(), &mask.c(), &options, detail::bytes_sink::write, &sink, &err);
  return detail::finish<bytes>(status, err, [&] { return std::move(sink.bytes); });
}

inline returns<void> write_image(const context &parent, const std::string &path,
                                 const volume &image, const write_options &options = {}) {
  fm_error err;
  return detail::finish(fm_image_write(parent.get(), path.c_str(), &image.c(), &options, &err),
                        err);
}

inline returns<bytes> encode_image(const context &parent, const volume &image,
                                   const write_options &options = {}) {
  fm_error err;
  detail::bytes_sink sink;
  fm_status status =
      fm_image_encode(parent.get(), &image.c(), &options, detail::bytes_sink::write, &sink, &err);
  return detail::finish<bytes>(status, err, [&] { return std::move(sink.bytes); });
}

inline returns<void> write_npy(const context &parent, const std::string &path, const plane &pixels,
                               const write_options &options = {}) {
  fm_error err;
  return detail::finish(fm_npy_write(parent.get(), path.c_str(), &pixels.c(), &options, &err), err);
}

/** fm_csv: a table as text. */
class csv : public detail::handle<fm_csv, fm_csv_destroy> {
 public:
  using handle::handle;
  static returns<csv> read(const context &parent, const std::string &path,
                           const std::vector<std::string> &columns) {
    fm_error err;
    fm_csv *out = nullptr;
    const std::vector<const char *> names = texts(columns);
    fm_status status = fm_csv_read(parent.get(), path.c_str(), names.data(),
                                   detail::count32(names.size()), &out, &err);
    return detail::finish<csv>(status, err, [&] { return csv(out, parent.origin()); });
  }
  static returns<csv> decode(const context &parent, const void *data, std::size_t size,
                             const std::vector<std::string> &columns) {
    fm_error err;
    fm_csv *out = nullptr;
    const std::vector<const char *> names = texts(columns);
    fm_status status = fm_csv_decode(parent.get(), data, size, names.data(),
                                     detail::count32(names.size()), &out, &err);
    return detail::finish<csv>(status, err, [&] { return csv(out, parent.origin()); });
  }
  int64_t row_count() const noexcept { return fm_csv_row_count(get()); }
  std::string text(int64_t row, int32_t column) const { return fm_csv_text(get(), row, column); }
  int64_t line(int64_t row) const noexcept { return fm_csv_line(get(), row); }
  returns<int64_t> whole(int64_t row, int32_t column, int64_t lowest, int64_t highest) const {
    fm_error err;
    int64_t out = 0;
    fm_status status = fm_csv_whole(get(), row, column, lowest, highest, &out, &err);
    return detail::finish<int64_t>(status, err, [&] { return out; });
  }
  returns<double> real(int64_t row, int32_t column) const {
    fm_error err;
    double out = 0;
    fm_status status = fm_csv_real(get(), row, column, &out, &err);
    return detail::finish<double>(status, err, [&] { return out; });
  }

 private:
  static std::vector<const char *> texts(const std::vector<std::string> &columns) {
    std::vector<const char *> out;
    for (const std::string &column : columns) out.push_back(column.c_str());
    return out;
  }
};

}  // namespace with_results or with_exceptions
}  // namespace freemask

#endif
