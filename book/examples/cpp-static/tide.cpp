// Says how long it is until high water: tide HOURS_SINCE_LOW_WATER

#include <cstdlib>
#include <iostream>

int main(int argc, char **argv) {
    const double from_low_to_high = 6.2;
    const double since_low = argc > 1 ? std::atof(argv[1]) : 0.0;
    if (since_low < 0.0 || since_low > from_low_to_high) {
        std::cerr << "tide: hours since low water, from 0 to 6.2\n";
        return 1;
    }
    std::cout << "high water in " << from_low_to_high - since_low << " hours\n";
    return 0;
}
