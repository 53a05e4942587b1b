#pragma once

#include "model/column_bounds.h"
