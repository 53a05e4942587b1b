// A fit, from the request to the result: begun or resumed, its activation tried, trained, refitted,
// evaluated. It prints nothing, reads no clock but the request's, and knows no checkpoints: what is
// to be saved goes to the observer, what is resumed comes with the request.
#pragma once

#include "fit/dataset.h"
#include "fit/observer.h"
#include "fit/request.h"
#include "fit/result.h"

namespace iflow {

// The settings that the data of a request are to be read by. Throws UsageError for settings that
// don't apply to such data, or differ from those of the fit that is resumed.
Settings settings_to_read(const FitRequest& request);

// Reads the data and fits. Throws DataError for data that no fit can work on or that are not those
// of the fit that is resumed, NumericError where training diverges for good.
FitResult run_fit(const FitRequest& request, FitObserver& observer);

// The same of data that were read by settings_to_read(request).
FitResult run_fit(const FitRequest& request, const Dataset& data, FitObserver& observer);

}  // namespace iflow
