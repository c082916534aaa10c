//! Clients that hang up in the middle of a request, as gates without power and phones in tunnels do: a handler that is cut short while its
//! transaction begins must not give the database connection back within it. What the next ones write there would be answered as done, and lost.

use std::time::Duration;

use anyhow::Result;
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::wait::until;
use data_encoding::BASE64;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::{Connection, PgConnection};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stage::{Stage, tell};

const ROUNDS: usize = 25;
const CALLS: usize = 40;
/// About as long as the call takes: some are cut short at each of its steps.
const LONGEST_CALL: Duration = Duration::from_millis(8);
/// Far longer than any transaction takes that somebody still works on.
const PATIENCE: Duration = Duration::from_secs(3);

#[test]
fn leaves_no_transaction_open() {
    tell(Stage::Own("hung_up"), async |cloud| {
        // The scheduler adds what a seed cannot.
        let mut random = StdRng::seed_from_u64(1);
        let mut database = PgConnection::connect(cloud.database(Part::Validation)?).await?;
        for _ in 0..ROUNDS {
            for _ in 0..CALLS {
                log_in_and_hang_up(cloud, random.random_range(Duration::ZERO..LONGEST_CALL)).await?;
            }
            until("every transaction had ended", PATIENCE, async || {
                let open: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
                )
                .fetch_one(&mut database)
                .await?;
                Ok((open == 0).then_some(()))
            })
            .await?;
        }
        Ok(())
    });
}

/// A log-in of a gate, which needs a transaction to be refused, cut short after a moment.
async fn log_in_and_hang_up(cloud: &Cloud, moment: Duration) -> Result<()> {
    let (nonce, answer) = (BASE64.encode(&[0; 32]), BASE64.encode(&[0; 64]));
    let body = format!(r#"{{"gate":1,"nonce":"{nonce}","answer":"{answer}"}}"#);
    let length = body.len();
    let request = format!(
        "POST /v1/gates/login HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut connection = TcpStream::connect(cloud.gate_line().address()).await?;
    connection.write_all(request.as_bytes()).await?;
    // No synchronisation, but the moment itself.
    tokio::time::sleep(moment).await;
    Ok(())
}
