#include "fit/dataset.h"

#include "base/error.h"
#include "fit/image_dataset.h"
#include "fit/table_dataset.h"

namespace iflow {

std::unique_ptr<const Dataset> read_dataset(const std::string& path, const std::string& val,
                                            const Settings& settings) {
  if (settings.is_image) return read_image_dataset(path, val, settings);
  return read_table_dataset(path, val, settings);
}

void Dataset::set_stack(Fit& /*fit*/) const {
  throw UsageError("--start stack: images have no stacked mixture");
}

BaselineScores Dataset::cross_validated_baselines() const {
  throw UsageError("--start stack: images have no stacked mixture");
}

}  // namespace iflow
