// What this binary was built from and for: `iflow --version` and every log print it.
#pragma once

#include <string>

namespace iflow {

struct BuildInfo {
  std::string version;     // "0.1.0"
  std::string compiler;    // "GCC 12.2.0"
  std::string simd;        // widest instruction set compiled for: "AVX-512", "AVX2", "SSE2", ...
  std::string sanitizers;  // "address,undefined"; empty for an ordinary build
};

BuildInfo build_info();

}  // namespace iflow
