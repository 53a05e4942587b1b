// Integer columns, which are dequantised: on the command line, on the way through a model, and in
// words.
#pragma once

#include <string>
#include <vector>

#include "flow/dequantise.h"
#include "model/fit_record.h"
#include "model/rows.h"

namespace iflow {

// The lattices of the integer columns among the table's first `modelled` but those in `continuous`,
// which are names or the word all. Throws UsageError for a column that is not there.
std::vector<LatticeColumn> lattices_of(const Table& table, std::size_t modelled,
                                       const std::vector<std::string>& continuous);

// Bounds of data on lattices <-> bounds of what dequantisation makes of them: an upper bound takes
// in the bin of the last lattice point within.
void widen_to_bins(IntervalConfig& bounds, const std::vector<LatticeColumn>& lattices);
void narrow_to_lattice(IntervalConfig& bounds, const std::vector<LatticeColumn>& lattices);

Dequantise dequantise_of(const Fit& fit);

// Throws DataError naming the first row that is off its lattice.
void refuse_off_lattice(const Fit& fit, const Rows& rows, const std::string& path);

// The rows in the middle of their bins, as encode and invert take them. Throws as that does.
std::vector<double> centred_rows(const Fit& fit, const Rows& rows, const std::string& path);

// "a, b (steps of 10)"
std::string describe_lattices(const std::vector<LatticeColumn>& lattices,
                              const std::vector<std::string>& columns);

std::vector<std::string> names_of(const std::vector<LatticeColumn>& lattices,
                                  const std::vector<std::string>& columns);

// What a likelihood of such a model means.
std::string measure_of(const std::vector<LatticeColumn>& lattices,
                       const std::vector<std::string>& columns);

}  // namespace iflow
