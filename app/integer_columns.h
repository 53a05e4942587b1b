#pragma once

#include "model/integer_columns.h"
