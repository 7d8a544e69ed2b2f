//! Says how long it is until high water: tide HOURS_SINCE_LOW_WATER

use std::process::ExitCode;

const FROM_LOW_TO_HIGH: f64 = 6.2;

fn main() -> ExitCode {
    let since_low = std::env::args().nth(1).unwrap_or_else(|| "0".to_owned());
    match since_low.parse::<f64>() {
        Ok(hours) if (0.0..=FROM_LOW_TO_HIGH).contains(&hours) => {
            println!("high water in {:.1} hours", FROM_LOW_TO_HIGH - hours);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("tide: hours since low water, from 0 to 6.2");
            ExitCode::FAILURE
        }
    }
}
