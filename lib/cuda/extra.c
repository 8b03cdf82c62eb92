/* cuda/extra.c - what calls take besides masks and losses: strata, references, siblings. */
#include "core/fail.h"
#include "core/options.h"
#include "cuda/score.h"

static fm_status fail_unknown(const fm_cuda_extra *known, fm_error *err) {
  const char *what = known->reference.data  ? "reference is"
                     : known->siblings.data ? "siblings are"
                                            : "has_reference is";
  return fm__fail(
      err, FM_ERR_ARGUMENT,
      "fm_cuda_extra: %s set, but the score is the loss, or one that is compared with none", what);
}

static fm_status check_siblings(const fm_cuda_extra *known, fm_error *err) {
  if (known->sibling_count < 0 || (known->siblings.data != NULL) != (known->sibling_count > 0))
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_cuda_extra: sibling_count is %d and siblings are %s, expected 0 and none or "
        "1 and more of each image",
        (int)known->sibling_count, known->siblings.data ? "set" : "not");
  if (known->siblings.data && !known->reference.data)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_cuda_extra: siblings are set, but reference is not: where all synthetic "
                    "images of a mask are wrong alike, only the real one can tell");
  return FM_OK;
}

static fm_status read_siblings(fm__cu_job *job, fm__cu_batch *batch, const fm__cu_batch *mask,
                               const fm_cuda_extra *known, fm_error *err) {
  fm_status status = check_siblings(known, err);
  if (status || !known->siblings.data) return status;
  fm__cu_batch all = *mask; /* of as many images as there are siblings */
  all.volume.channels = (int64_t)job->images * known->sibling_count;
  job->sibling_count = known->sibling_count;
  return fm__cu_read_like(&job->siblings, batch, &all, &known->siblings, FM__LOSS_TYPES, "siblings",
                          err);
}

static fm_status check_codes(const fm__cu_batch *batch, const fm_cuda_extra *known,
                             const fm__cu_ranks *ranks, fm_error *err) {
  const bool coded = batch->volume.dtype == FM_U8;
  if (coded != (known->reference_ranks != 0))
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_cuda_extra: reference is of %s and reference_ranks is %s, expected codes of "
        "u8 with the ranks that they were made with, or losses and 0",
        fm__dtype_name(batch->volume.dtype), known->reference_ranks ? "set" : "0");
  if (!coded || known->reference_ranks == ranks->fingerprint) return FM_OK;
  return fm__fail(err, FM_ERR_MISMATCH,
                  "reference: its codes were made with other statistics (ranks %016llx), expected "
                  "those of the score (%016llx): encode the losses again",
                  (unsigned long long)known->reference_ranks,
                  (unsigned long long)ranks->fingerprint);
}

static fm_status read_reference(fm__cu_job *job, fm__cu_batch *batch, const fm_cuda_extra *known,
                                const fm__cu_ranks *ranks, fm_error *err) {
  fm_status status =
      fm__cu_read(batch, &known->reference, FM__LOSS_TYPES | FM__BIT(FM_U8), "reference", err);
  if (!status) status = check_codes(batch, known, ranks, err);
  if (status) return status;
  if (batch->volume.channels != job->images)
    return fm__fail(err, FM_ERR_SHAPE,
                    "reference is of %lld images, mask of %d: they have to be equal",
                    (long long)batch->volume.channels, (int)job->images);
  job->reference = fm__cu_planes_of(&batch->volume);
  job->reference_height = batch->volume.height;
  job->reference_width = batch->volume.width;
  job->has_reference = known->has_reference;
  return FM_OK;
}

static fm_status check_references(const fm_cuda_extra *known, const fm__cu_ranks *ranks,
                                  fm_error *err) {
  if (ranks->references == FM__CU_NO_REFERENCE &&
      (known->reference.data || known->siblings.data || known->has_reference))
    return fail_unknown(known, err);
  if (ranks->references != FM__CU_REQUIRED_REFERENCE) return FM_OK;
  if (!known->reference.data)
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_cuda_extra: reference is not set, but the policy 'paired' compares with the "
        "loss map of the mask's real image");
  if (!known->has_reference) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_cuda_extra: has_reference is set, but the filter's without_reference is "
                  "FM_REFERENCE_REQUIRED: all images have to have one");
}

fm_status fm__cu_read_extra(fm__cu_job *job, fm__cu_extra *known, const fm__cu_batch *mask,
                            const fm_cuda_extra *extra, const fm__cu_ranks *ranks, fm_error *err) {
  fm_cuda_extra o;
  known->strata.volume.data = known->reference.volume.data = known->siblings.volume.data = NULL;
  fm_status status = FM__OPTIONS_READ(&o, extra, fm_cuda_extra, reference_ranks, err);
  if (!status) status = check_references(&o, ranks, err);
  if (!status) status = read_siblings(job, &known->siblings, mask, &o, err);
  if (!status && o.reference.data) status = read_reference(job, &known->reference, &o, ranks, err);
  if (status) return status;
  return fm__cu_read_strata(job, &known->strata, mask, o.strata.data ? &o.strata : NULL, err);
}

fm_status fm__cu_check_output_extra(const fm__cu_batch *out, const fm__cu_extra *extra,
                                    fm_error *err) {
  fm_status status = fm__cu_check_output(out, &extra->strata, false, err);
  if (!status) status = fm__cu_check_output(out, &extra->reference, false, err);
  return status ? status : fm__cu_check_output(out, &extra->siblings, false, err);
}
