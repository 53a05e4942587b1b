#pragma once

#include "model/given_columns.h"
