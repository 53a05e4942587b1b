#pragma once

#include "model/image_rows.h"
